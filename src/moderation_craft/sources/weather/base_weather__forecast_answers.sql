-- What was known on a day is what was said first on it: a later word of that day, or of another, never replaces it.
with said as (
    select
        *,
        'open-meteo' as provider
    from {{ source('weather', 'forecast') }}
    union all
    select
        *,
        'openweathermap' as provider
    from {{ source('weather', 'owm_forecast') }}
),

issues as (
    select
        user_id,
        date as issued_on,
        provider,
        {{ json_text('metadata', 'place') }} as place,
        {{ known_timezone(json_text('metadata', 'timezone')) }} as timezone,
        data,
        part_key as origin
    from said
    where user_id is not null and date is not null and json_valid(data)
    qualify row_number() over (partition by user_id, date order by fetched_at, provider, part_key, data) = 1
),

open_meteo_days as (
    select
        *,
        {{ list_positions("json_transform(json_extract(data, '$.daily.time'), '[\"VARCHAR\"]')") }} as day_index
    from issues
    where provider = 'open-meteo'
),

open_meteo as (
    select
        user_id,
        issued_on,
        json_transform(json_extract(data, '$.daily.time'), '["DATE"]')[day_index] as target_date,
        provider,
        place,
        {{ daily_value('temperature_2m_mean') }} as temperature_mean_celsius,
        {{ daily_value('temperature_2m_min') }} as temperature_min_celsius,
        {{ daily_value('temperature_2m_max') }} as temperature_max_celsius,
        {{ daily_value('precipitation_sum') }} as precipitation_mm,
        {{ daily_value('relative_humidity_2m_mean') }} as humidity_pct,
        {{ daily_value('pressure_msl_mean') }} as pressure_hpa,
        origin,
        data as record
    from open_meteo_days
),

steps as (
    select
        *,
        {{ json_each('data', 'list') }} as step
    from issues
    where provider = 'openweathermap' and timezone is not null
),

step_values as (
    select
        *,
        {{ instant(json_text('step', 'dt')) }} as step_at,
        {{ json_number('step', 'main.temp') }} as temperature,
        coalesce({{ json_number('step', 'main.temp_min') }}, {{ json_number('step', 'main.temp') }}) as lowest,
        coalesce({{ json_number('step', 'main.temp_max') }}, {{ json_number('step', 'main.temp') }}) as highest,
        {{ json_number('step', 'main.humidity') }} as humidity,
        coalesce({{ json_number('step', 'main.sea_level') }}, {{ json_number('step', 'main.pressure') }}) as pressure,
        -- A step names rain and snow of the three hours before it only where there is any.
        coalesce({{ json_number('step', 'rain."3h"') }}, 0) + coalesce({{ json_number('step', 'snow."3h"') }}, 0) as fallen
    from steps
),

warmth as (
    select
        user_id,
        issued_on,
        {{ wall_clock('step_at', 'timezone') }}::date as target_date,
        provider,
        place,
        round(avg(temperature), 6) as temperature_mean_celsius,
        min(lowest) as temperature_min_celsius,
        max(highest) as temperature_max_celsius,
        round(avg(humidity), 6) as humidity_pct,
        round(avg(pressure), 6) as pressure_hpa,
        origin,
        data as record
    from step_values
    group by all
    having count(*) >= 7 -- of the eight steps of a day: less would be another day's mean
),

wetness as (
    select
        user_id,
        issued_on,
        {{ wall_clock("(step_at - interval '90 minutes')", 'timezone') }}::date as target_date,
        round(sum(fallen), 6) as precipitation_mm
    from step_values
    group by all
    having count(*) >= 7
),

openweathermap as (
    select
        w.user_id,
        w.issued_on,
        w.target_date,
        w.provider,
        w.place,
        w.temperature_mean_celsius,
        w.temperature_min_celsius,
        w.temperature_max_celsius,
        p.precipitation_mm,
        w.humidity_pct,
        w.pressure_hpa,
        w.origin,
        w.record
    from warmth as w
    left join wetness as p
        on w.user_id = p.user_id and w.issued_on = p.issued_on and w.target_date = p.target_date
),

answers as (
    select * from open_meteo
    union all
    select * from openweathermap
)

select
    *,
    {{ weather_refusal(weather_ranges()) }} as refusal
from answers
