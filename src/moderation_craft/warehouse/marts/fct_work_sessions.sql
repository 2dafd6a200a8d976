select
    s.user_id,
    s.session_id,
    s.date,
    s.started_at,
    s.ended_at,
    s.started_local,
    s.duration_minutes,
    s.time_slot,
    s.start_hour,
    isodow(s.date)::integer as weekday,
    s.focus_level,
    s.work_notes,
    s.mood_notes,
    s.session_kind,
    coalesce(s.project_id, t.project_id) as project_id,
    p.name as project_name,
    p.color as project_color,
    s.small_task_id as task_id,
    t.name as task_name,
    s.timezone
from {{ ref('int_work_sessions') }} as s
left join {{ ref('dim_task') }} as t
    on s.user_id = t.user_id and s.small_task_id = t.task_id
left join {{ ref('dim_project') }} as p
    on s.user_id = p.user_id and coalesce(s.project_id, t.project_id) = p.project_id
where s.is_finished
