with joined as (
    select
        coalesce(w.user_id, a.user_id) as user_id,
        coalesce(w.date, a.date) as date,
        coalesce(w.place, a.place) as place,
        w.temperature_mean_celsius,
        w.temperature_min_celsius,
        w.temperature_max_celsius,
        w.pressure_hpa,
        w.humidity_pct,
        w.precipitation_mm,
        w.daylight_hours,
        a.us_aqi
    from {{ ref('stg_weather__daily') }} as w
    full outer join {{ ref('stg_weather__air_quality') }} as a
        on w.user_id = a.user_id and w.date = a.date
),

derived as (
    select
        *,
        case
            when lag(date) over by_day = date - 1
                then round(pressure_hpa - lag(pressure_hpa) over by_day, 6)
        end as pressure_change_hpa,
        round(
            0.81 * temperature_mean_celsius
            + 0.01 * humidity_pct * (0.99 * temperature_mean_celsius - 14.3)
            + 46.3, 6
        ) as discomfort_index
    from joined
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
        where d.us_aqi <= c.most_us_aqi
        order by c.most_us_aqi asc
        limit 1
    ) as aqi_category,
    case when d.us_aqi is not null then 'us_aqi' end as aqi_scale,
    d.discomfort_index,
    (
        select c.comfort
        from {{ ref('comfort_levels') }} as c
        where d.discomfort_index < c.below_index
        order by c.below_index asc
        limit 1
    ) as comfort
from derived as d
