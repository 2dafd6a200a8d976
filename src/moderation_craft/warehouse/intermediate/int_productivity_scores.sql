{%- set parts = ['work', 'tasks', 'mood', 'focus'] -%}

with weights as (
    {{ score_weights('productivity', parts) }}
),

scored_points as (
    select
        a.user_id,
        a.date,
        {{ points('work', 'a.work_minutes') }} as work_points,
        {{ points('tasks', 'a.tasks_completed') }} as tasks_points,
        {{ points('mood', 'a.mood_level_avg') }} as mood_points,
        {{ points('focus', 'a.focus_level_avg') }} as focus_points,
        w.*
    from {{ ref('int_daily_app') }} as a
    cross join weights as w
)

select
    user_id,
    date,
    {{ rescaled(parts) }} as productivity_score,
    {{ coverage(parts) }} as productivity_score_coverage,
    work_points as productivity_work_part,
    tasks_points as productivity_tasks_part,
    mood_points as productivity_mood_part,
    focus_points as productivity_focus_part
from scored_points
