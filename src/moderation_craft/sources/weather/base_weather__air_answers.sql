-- One schema for both providers; each index in its own scale, which `aqi_scale` names. Rounded so that the order of
-- adding up can never show.
with open_meteo_latest as (
    {{ latest_envelopes('weather', 'air_quality') }}
),

open_meteo as (
    select
        user_id,
        date,
        'open-meteo' as provider,
        coalesce({{ json_text('metadata', 'place') }}, {{ json_text('metadata', 'place_name') }}) as place,
        'us_aqi' as aqi_scale,
        list_filter({{ json_doubles('data', 'hourly.us_aqi') }}, lambda value: value is not null) as aqi_values,
        list_filter({{ json_doubles('data', 'hourly.pm2_5') }}, lambda value: value is not null) as pm2_5_values,
        part_key as origin,
        data as record
    from open_meteo_latest
),

openweathermap_latest as (
    {{ latest_envelopes('weather', 'owm_air_pollution') }}
),

openweathermap as (
    select
        user_id,
        date,
        'openweathermap' as provider,
        {{ json_text('metadata', 'place') }} as place,
        'openweathermap' as aqi_scale,
        {{ json_numbers('data', 'list[*].main.aqi') }} as aqi_values,
        {{ json_numbers('data', 'list[*].components.pm2_5') }} as pm2_5_values,
        part_key as origin,
        data as record
    from openweathermap_latest
),

answers as (
    select * from open_meteo
    union all
    select * from openweathermap
)

select
    user_id,
    date,
    provider,
    place,
    aqi_scale,
    len(aqi_values) as aqi_hours,
    round(list_avg(aqi_values), 6) as aqi,
    round(list_avg(pm2_5_values), 6) as pm2_5_ugm3,
    case
        when aqi_scale = 'us_aqi' and (list_min(aqi_values) < 0 or list_max(aqi_values) > 2000)
            then 'an hour of the US AQI is outside 0 to 2000'
        when aqi_scale = 'openweathermap' and (list_min(aqi_values) < 1 or list_max(aqi_values) > 5)
            then 'an hour of OpenWeatherMap''s AQI is outside 1 to 5'
        when list_min(pm2_5_values) < 0 then 'an hour of PM2.5 is below 0'
    end as refusal,
    origin,
    record
from answers
