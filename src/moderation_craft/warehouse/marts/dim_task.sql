select
    t.small_task_id as task_id,
    t.user_id,
    coalesce(t.project_id, b.project_id) as project_id,
    t.name,
    t.status,
    t.is_deleted,
    t.big_task_id,
    b.name as big_task_name,
    t.estimated_minutes,
    t.actual_minutes
from {{ ref('stg_app__small_tasks') }} as t
left join {{ ref('stg_app__big_tasks') }} as b
    on t.user_id = b.user_id and t.big_task_id = b.big_task_id
