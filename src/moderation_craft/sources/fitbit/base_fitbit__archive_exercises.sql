select
    user_id,
    {{ night_id('started_at + to_seconds(start_offset_seconds)', 'ended_at + to_seconds(end_offset_seconds)') }} as exercise_id,
    log_id as source_exercise_id,
    (started_at + to_seconds(start_offset_seconds))::date as date,
    upper(replace(activity_name, ' ', '_')) as exercise_type,
    activity_name as display_name,
    started_at,
    ended_at,
    started_at + to_seconds(start_offset_seconds) as started_local,
    ended_at + to_seconds(end_offset_seconds) as ended_local,
    coalesce(active_minutes, {{ seconds_between('started_at', 'ended_at') }} / 60.0)::double as active_minutes,
    energy_kcal,
    distance_km,
    steps,
    heart_rate_mean_bpm,
    null::double as active_zone_minutes,
    way_in
from {{ source('raw', 'fitbit_archive_exercises') }}
