with main_sleep as (
    select *
    from {{ ref('fct_sleep') }}
    where is_main
),

naps as (
    select
        user_id,
        date,
        sum(round(minutes_asleep * 60)::bigint) / 60.0 as nap_minutes
    from {{ ref('fct_sleep') }}
    where not is_main
    group by user_id, date
),

days as (
    select user_id, date from main_sleep
    union
    select user_id, date from {{ ref('int_health_measures') }}
),

measures as (
    select
        d.user_id,
        d.date,
        s.minutes_asleep as sleep_minutes,
        case when s.user_id is not null then coalesce(n.nap_minutes, 0) end as nap_minutes,
        s.started_local as sleep_start_local,
        s.ended_local as sleep_end_local,
        s.efficiency_pct as sleep_efficiency_pct,
        s.deep_minutes,
        s.light_minutes,
        s.rem_minutes,
        s.minutes_awake as awake_minutes,
        h.steps,
        h.active_minutes,
        h.calories_kcal,
        h.resting_heart_rate_bpm,
        h.hrv_ms,
        h.distance_km,
        h.floors,
        h.lightly_active_minutes,
        h.sedentary_minutes,
        h.active_zone_minutes,
        h.exercise_count,
        h.exercise_minutes,
        h.heart_rate_min_bpm,
        h.heart_rate_mean_bpm,
        h.heart_rate_max_bpm,
        h.spo2_pct,
        h.breathing_rate_per_minute,
        h.skin_temperature_delta_celsius,
        h.weight_kg
    from days as d
    left join main_sleep as s on d.user_id = s.user_id and d.date = s.date
    left join naps as n on d.user_id = n.user_id and d.date = n.date
    left join {{ ref('int_health_measures') }} as h on d.user_id = h.user_id and d.date = h.date
),

{%- set sleep_parts = ['hours', 'efficiency', 'deep', 'rem'] %}

sleep_weights as (
    {{ score_weights('sleep', sleep_parts) }}
),

sleep_points as (
    select
        m.user_id,
        m.date,
        {{ points('hours', 'm.sleep_minutes / 60.0') }} as hours_points,
        {{ points('efficiency', 'm.sleep_efficiency_pct') }} as efficiency_points,
        {{ points('deep', '100.0 * m.deep_minutes / nullif(m.sleep_minutes, 0)') }} as deep_points,
        {{ points('rem', '100.0 * m.rem_minutes / nullif(m.sleep_minutes, 0)') }} as rem_points,
        w.*
    from measures as m
    cross join sleep_weights as w
),

sleep_scores as (
    select
        user_id,
        date,
        {{ rescaled(sleep_parts) }} as sleep_score,
        {{ coverage(sleep_parts) }} as sleep_score_coverage
    from sleep_points
),

{%- set activity_parts = ['steps', 'active_minutes', 'calories'] %}

activity_weights as (
    {{ score_weights('activity', activity_parts) }}
),

activity_points as (
    select
        m.user_id,
        m.date,
        {{ points('steps', 'm.steps') }} as steps_points,
        {{ points('active_minutes', 'm.active_minutes') }} as active_minutes_points,
        {{ points('calories', 'm.calories_kcal') }} as calories_points,
        w.*
    from measures as m
    cross join activity_weights as w
),

activity_scores as (
    select
        user_id,
        date,
        {{ rescaled(activity_parts) }} as activity_score,
        {{ coverage(activity_parts) }} as activity_score_coverage
    from activity_points
)

select
    m.*,
    s.sleep_score,
    s.sleep_score_coverage,
    a.activity_score,
    a.activity_score_coverage,
    round(100.0 * (
        (m.sleep_minutes is not null)::integer
        + (m.steps is not null)::integer
        + (m.active_minutes is not null)::integer
        + (m.calories_kcal is not null)::integer
        + (m.resting_heart_rate_bpm is not null)::integer
        + (m.hrv_ms is not null)::integer
    ) / 6, 6) as completeness_pct
from measures as m
inner join sleep_scores as s on m.user_id = s.user_id and m.date = s.date
inner join activity_scores as a on m.user_id = a.user_id and m.date = a.date
