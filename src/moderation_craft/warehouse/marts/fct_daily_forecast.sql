select
    user_id,
    issued_on,
    target_date,
    lead_days,
    provider,
    place,
    temperature_mean_celsius as forecast_temperature_mean_celsius,
    temperature_min_celsius as forecast_temperature_min_celsius,
    temperature_max_celsius as forecast_temperature_max_celsius,
    precipitation_mm as forecast_precipitation_mm,
    humidity_pct as forecast_humidity_pct,
    pressure_hpa as forecast_pressure_hpa
from {{ ref('stg_weather__forecasts') }}
