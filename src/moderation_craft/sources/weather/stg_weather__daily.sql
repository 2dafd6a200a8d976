-- Where both providers answered for a day, the fuller answer counts, whole; of two as full, Open-Meteo's.
with counted as (
    select
        *,
        (temperature_mean_celsius is not null)::integer + (temperature_min_celsius is not null)::integer
        + (temperature_max_celsius is not null)::integer + (precipitation_mm is not null)::integer
        + (daylight_hours is not null)::integer + (humidity_pct is not null)::integer
        + (pressure_hpa is not null)::integer as values_known
    from {{ ref('base_weather__daily_answers') }}
    where refusal is null
)

select
    user_id,
    date,
    provider,
    place,
    temperature_mean_celsius,
    temperature_min_celsius,
    temperature_max_celsius,
    precipitation_mm,
    daylight_hours,
    humidity_pct,
    pressure_hpa
from counted
where values_known > 0
qualify row_number() over (partition by user_id, date order by values_known desc, provider asc) = 1
