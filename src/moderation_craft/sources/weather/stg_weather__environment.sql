select
    coalesce(w.user_id, a.user_id) as user_id,
    coalesce(w.date, a.date) as date,
    coalesce(w.place, a.place) as place,
    w.provider,
    w.temperature_mean_celsius,
    w.temperature_min_celsius,
    w.temperature_max_celsius,
    w.precipitation_mm,
    w.daylight_hours,
    w.humidity_pct,
    w.pressure_hpa,
    a.provider as air_provider,
    a.aqi,
    a.aqi_scale,
    a.us_aqi,
    a.pm2_5_ugm3
from {{ ref('stg_weather__daily') }} as w
full outer join {{ ref('stg_weather__air_quality') }} as a on w.user_id = a.user_id and w.date = a.date
