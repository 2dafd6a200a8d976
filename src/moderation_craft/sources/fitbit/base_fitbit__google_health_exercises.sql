with accepted as (
    select
        *,
        started_at + to_seconds(coalesce(start_offset_seconds, 0)) as started_local,
        ended_at + to_seconds(coalesce(end_offset_seconds, 0)) as ended_local
    from {{ ref('base_fitbit__exercise_points') }}
    where refusal is null
    qualify row_number() over (
        partition by user_id, coalesce(source_exercise_id, record)
        order by updated_at desc nulls last, date desc, record asc
    ) = 1
)

select
    user_id,
    {{ night_id('started_local', 'ended_local') }} as exercise_id,
    source_exercise_id,
    date,
    exercise_type,
    display_name,
    started_at,
    ended_at,
    started_local,
    ended_local,
    coalesce(active_minutes, {{ seconds_between('started_at', 'ended_at') }} / 60.0)::double as active_minutes,
    energy_kcal,
    distance_km,
    steps,
    heart_rate_mean_bpm,
    active_zone_minutes,
    'google_health' as way_in
from accepted
