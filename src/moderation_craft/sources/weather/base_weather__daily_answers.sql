-- One schema for both providers. OpenWeatherMap's summary holds four readings of the temperature, six hours apart,
-- whose mean is the day's; its humidity and pressure are those of 12:00; daylight is read from its current weather.
with open_meteo_latest as (
    {{ latest_envelopes('weather', 'daily') }}
),

open_meteo_positioned as (
    select
        *,
        list_position(json_transform(json_extract(data, '$.daily.time'), '["VARCHAR"]'), date::varchar) as day_index
    from open_meteo_latest
),

open_meteo as (
    select
        user_id,
        date,
        'open-meteo' as provider,
        coalesce({{ json_text('metadata', 'place') }}, {{ json_text('metadata', 'place_name') }}) as place,
        {{ daily_value('temperature_2m_mean') }} as temperature_mean_celsius,
        {{ daily_value('temperature_2m_min') }} as temperature_min_celsius,
        {{ daily_value('temperature_2m_max') }} as temperature_max_celsius,
        {{ daily_value('precipitation_sum') }} as precipitation_mm,
        {{ daily_value('daylight_duration') }} / 3600.0 as daylight_hours,
        {{ daily_value('relative_humidity_2m_mean') }} as humidity_pct,
        {{ daily_value('pressure_msl_mean') }} as pressure_hpa,
        part_key as origin,
        data as record
    from open_meteo_positioned
),

summaries_latest as (
    {{ latest_envelopes('weather', 'owm_day_summary') }}
),

summaries as (
    select
        user_id,
        date,
        {{ json_text('metadata', 'place') }} as place,
        round((
            {{ json_number('data', 'temperature.night') }} + {{ json_number('data', 'temperature.morning') }}
            + {{ json_number('data', 'temperature.afternoon') }} + {{ json_number('data', 'temperature.evening') }}
        ) / 4, 6) as temperature_mean_celsius,
        {{ json_number('data', 'temperature.min') }} as temperature_min_celsius,
        {{ json_number('data', 'temperature.max') }} as temperature_max_celsius,
        {{ json_number('data', 'precipitation.total') }} as precipitation_mm,
        {{ json_number('data', 'humidity.afternoon') }} as humidity_pct,
        {{ json_number('data', 'pressure.afternoon') }} as pressure_hpa,
        part_key as origin,
        data as record
    from summaries_latest
),

daylight as (
    select
        user_id,
        date,
        place,
        daylight_hours,
        origin,
        record
    from {{ ref('stg_weather__observations') }}
    where daylight_hours is not null
    qualify row_number() over (partition by user_id, date order by observed_at, origin, record) = 1
),

openweathermap as (
    select
        coalesce(s.user_id, d.user_id) as user_id,
        coalesce(s.date, d.date) as date,
        'openweathermap' as provider,
        coalesce(s.place, d.place) as place,
        s.temperature_mean_celsius,
        s.temperature_min_celsius,
        s.temperature_max_celsius,
        s.precipitation_mm,
        d.daylight_hours,
        s.humidity_pct,
        s.pressure_hpa,
        coalesce(s.origin, d.origin) as origin,
        coalesce(s.record, d.record) as record
    from summaries as s
    full outer join daylight as d on s.user_id = d.user_id and s.date = d.date
),

answers as (
    select * from open_meteo
    union all
    select * from openweathermap
)

select
    *,
    {{ weather_refusal(dict(weather_ranges(), daylight_hours=[0, 24])) }} as refusal
from answers
