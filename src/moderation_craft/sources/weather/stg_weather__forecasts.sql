select
    user_id,
    issued_on,
    target_date,
    (target_date - issued_on)::integer as lead_days,
    provider,
    place,
    temperature_mean_celsius,
    temperature_min_celsius,
    temperature_max_celsius,
    precipitation_mm,
    humidity_pct,
    pressure_hpa
from {{ ref('base_weather__forecast_answers') }}
where
    refusal is null
    and target_date >= issued_on
    and coalesce(
        temperature_mean_celsius, temperature_min_celsius, temperature_max_celsius,
        precipitation_mm, humidity_pct, pressure_hpa
    ) is not null
qualify row_number() over (partition by user_id, issued_on, target_date order by origin, temperature_mean_celsius) = 1
