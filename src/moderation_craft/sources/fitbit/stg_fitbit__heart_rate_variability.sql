{{ fitbit_daily(
    'daily-heart-rate-variability', 'dataPoints',
    'dailyHeartRateVariability.averageHeartRateVariabilityMilliseconds', 'hrv_ms'
) }}

select * from renamed
where hrv_ms > 0
