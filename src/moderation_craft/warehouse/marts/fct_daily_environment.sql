with derived as (
    select
        *,
        -- OpenWeatherMap's pressure is that of 12:00, Open-Meteo's the day's mean: one is not set against the other.
        case
            when lag(date) over by_day = date - 1 and lag(provider) over by_day = provider
                then round(pressure_hpa - lag(pressure_hpa) over by_day, 6)
        end as pressure_change_hpa,
        round(
            0.81 * temperature_mean_celsius
            + 0.01 * humidity_pct * (0.99 * temperature_mean_celsius - 14.3)
            + 46.3, 6
        ) as discomfort_index
    from {{ ref('stg_weather__environment') }}
    window by_day as (partition by user_id order by date)
)

select
    d.user_id,
    d.date,
    d.place,
    d.temperature_mean_celsius,
    d.temperature_min_celsius,
    d.temperature_max_celsius,
    d.pressure_hpa,
    d.pressure_change_hpa,
    d.humidity_pct,
    d.precipitation_mm,
    d.daylight_hours,
    d.us_aqi,
    (
        select c.aqi_category
        from {{ ref('aqi_categories') }} as c
        where d.aqi_scale = c.aqi_scale and d.aqi <= c.most_aqi
        order by c.most_aqi asc
        limit 1
    ) as aqi_category,
    d.aqi_scale,
    d.discomfort_index,
    (
        select c.comfort
        from {{ ref('comfort_levels') }} as c
        where d.discomfort_index < c.below_index
        order by c.below_index asc
        limit 1
    ) as comfort,
    d.aqi,
    d.pm2_5_ugm3,
    d.provider,
    d.air_provider
from derived as d
