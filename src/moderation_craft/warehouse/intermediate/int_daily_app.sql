-- The app's side of each day of the spine. On a day without any use of the app, all of it is unknown (NULL).
with moods as (
    select
        user_id,
        date,
        round(avg(mood_level), 6) as mood_level_avg,
        count(*) as mood_entry_count
    from {{ ref('fct_mood_entries') }}
    group by user_id, date
),

tasks as (
    select
        user_id,
        date,
        count(*) as tasks_completed
    from {{ ref('int_task_completions') }}
    group by user_id, date
)

select
    d.user_id,
    d.date,
    case when used.user_id is not null then coalesce(w.work_seconds, 0) / 60.0 end as work_minutes,
    case when used.user_id is not null then coalesce(w.session_count, 0) end as session_count,
    case when used.user_id is not null then coalesce(w.pomodoro_count, 0) end as pomodoro_count,
    {% for slot in time_slots() %}
    case when used.user_id is not null then coalesce(w.{{ slot }}_seconds, 0) / 60.0 end as work_minutes_{{ slot }},
    {% endfor %}
    w.focus_level_avg,
    m.mood_level_avg,
    case when used.user_id is not null then coalesce(m.mood_entry_count, 0) end as mood_entry_count,
    case when used.user_id is not null then coalesce(t.tasks_completed, 0) end as tasks_completed
from {{ ref('int_user_days') }} as d
left join {{ ref('int_app_days') }} as used on d.user_id = used.user_id and d.date = used.date
left join {{ ref('int_daily_work') }} as w on d.user_id = w.user_id and d.date = w.date
left join moods as m on d.user_id = m.user_id and d.date = m.date
left join tasks as t on d.user_id = t.user_id and d.date = t.date
