{{ fitbit_daily('daily-resting-heart-rate', 'dataPoints', 'dailyRestingHeartRate.beatsPerMinute', 'resting_heart_rate_bpm') }}

-- Real archives write 0 for a missing resting heart rate.
select * from renamed
where resting_heart_rate_bpm > 0
