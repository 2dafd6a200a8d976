with exercises as (
    select
        user_id,
        date,
        count(*)::integer as exercise_count,
        sum(round(active_minutes * 60)::bigint) / 60.0 as exercise_minutes
    from {{ ref('stg_fitbit__exercises') }}
    group by user_id, date
),

days as (
    select user_id, date from {{ ref('stg_fitbit__activity') }}
    union
    select user_id, date from {{ ref('stg_fitbit__vitals') }}
    union
    select user_id, date from exercises
)

select
    d.user_id,
    d.date,
    a.steps,
    a.distance_km,
    a.floors,
    a.energy_kcal as calories_kcal,
    a.light_minutes as lightly_active_minutes,
    a.active_minutes,
    a.active_zone_minutes,
    a.sedentary_minutes,
    e.exercise_count,
    e.exercise_minutes,
    v.resting_heart_rate_bpm,
    v.heart_rate_min_bpm,
    v.heart_rate_mean_bpm,
    v.heart_rate_max_bpm,
    v.hrv_rmssd_ms as hrv_ms,
    v.spo2_pct,
    v.breathing_rate_per_minute,
    v.skin_temperature_delta_celsius,
    v.weight_kg
from days as d
left join {{ ref('stg_fitbit__activity') }} as a on d.user_id = a.user_id and d.date = a.date
left join {{ ref('stg_fitbit__vitals') }} as v on d.user_id = v.user_id and d.date = v.date
left join exercises as e on d.user_id = e.user_id and d.date = e.date
