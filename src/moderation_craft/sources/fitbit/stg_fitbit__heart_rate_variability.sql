{{ fitbit_daily(
    'fitbit_daily_heart_rate_variability', 'dataPoints',
    'dailyHeartRateVariability.averageHeartRateVariabilityMilliseconds', 'hrv_ms'
) }}

select * from renamed
where hrv_ms > 0
