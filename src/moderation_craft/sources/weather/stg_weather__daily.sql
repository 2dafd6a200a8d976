with latest as (
    {{ latest_envelopes('weather', 'daily') }}
),

positioned as (
    select
        *,
        list_position(json_transform(json_extract(data, '$.daily.time'), '["VARCHAR"]'), date::varchar) as day_index
    from latest
),

renamed as (
    select
        user_id,
        date,
        coalesce({{ json_text('metadata', 'place') }}, {{ json_text('metadata', 'place_name') }}) as place,
        {{ daily_value('temperature_2m_mean') }} as temperature_mean_celsius,
        {{ daily_value('temperature_2m_min') }} as temperature_min_celsius,
        {{ daily_value('temperature_2m_max') }} as temperature_max_celsius,
        {{ daily_value('precipitation_sum') }} as precipitation_mm,
        {{ daily_value('daylight_duration') }} / 3600.0 as daylight_hours,
        {{ daily_value('relative_humidity_2m_mean') }} as humidity_pct,
        {{ daily_value('pressure_msl_mean') }} as pressure_hpa
    from positioned
)

select * from renamed
where coalesce(
    temperature_mean_celsius, temperature_min_celsius, temperature_max_celsius,
    precipitation_mm, daylight_hours, humidity_pct, pressure_hpa
) is not null
