-- Where both providers answered for a day, the one with more hours counts; of two as full, Open-Meteo's.
select
    user_id,
    date,
    provider,
    place,
    aqi_scale,
    aqi_hours,
    aqi,
    case when aqi_scale = 'us_aqi' then aqi end as us_aqi,
    pm2_5_ugm3
from {{ ref('base_weather__air_answers') }}
where refusal is null and aqi_hours >= 12
qualify row_number() over (partition by user_id, date order by aqi_hours desc, provider asc) = 1
