with latest as (
    {{ latest_envelopes('weather', 'air_quality') }}
),

hourly as (
    select
        user_id,
        date,
        coalesce({{ json_text('metadata', 'place') }}, {{ json_text('metadata', 'place_name') }}) as place,
        list_filter({{ json_doubles('data', 'hourly.us_aqi') }}, lambda value: value is not null) as us_aqi_values,
        list_filter({{ json_doubles('data', 'hourly.pm2_5') }}, lambda value: value is not null) as pm2_5_values
    from latest
)

-- Rounded so that the order of adding up can never show.
select
    user_id,
    date,
    place,
    len(us_aqi_values) as us_aqi_hours,
    round(list_avg(us_aqi_values), 6) as us_aqi,
    round(list_avg(pm2_5_values), 6) as pm2_5_ugm3
from hourly
where len(us_aqi_values) >= 12
