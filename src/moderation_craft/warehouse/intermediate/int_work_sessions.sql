-- A running session (no end_time) shows that the app was used, but has no minutes yet: it is no fact.
with sessions as (
    select *
    from {{ ref('stg_app__work_sessions') }}
    where not is_deleted
),

localised as (
    {{ localised('sessions', 'started_at', 'started_local') }}
),

measured as (
    select
        *,
        extract('hour' from started_local)::integer as start_hour,
        duration_seconds / 60.0 as duration_minutes,
        ended_at is not null as is_finished
    from localised
),

kinds as (
    select
        m.user_id,
        m.session_id,
        k.session_kind
    from measured as m
    inner join {{ ref('session_kinds') }} as k
        on m.duration_minutes between k.least_minutes and k.most_minutes
    qualify row_number() over (partition by m.user_id, m.session_id order by k.preference) = 1
)

select
    m.user_id,
    m.session_id,
    m.date,
    m.timezone,
    m.started_at,
    m.ended_at,
    m.started_local,
    m.duration_seconds,
    m.duration_minutes,
    m.start_hour,
    s.time_slot,
    coalesce(k.session_kind, 'other') as session_kind,
    m.focus_level,
    m.mood_notes,
    m.work_notes,
    m.small_task_id,
    m.project_id,
    m.is_finished
from measured as m
left join {{ ref('time_slots') }} as s
    on m.start_hour >= s.from_hour and m.start_hour < s.to_hour
left join kinds as k
    on m.user_id = k.user_id and m.session_id = k.session_id
