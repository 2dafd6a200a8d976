-- The app keeps no completion time of its own. The first state seen as completed since the task was last seen
-- otherwise is the nearest there is; edits after completion do not move it while raw holds the earlier state.
with states as (
    select
        user_id,
        id as small_task_id,
        status,
        updated_at
    from {{ ref('base_app__small_tasks') }}
    where refusal is null and updated_at is not null
),

last_open as (
    select
        user_id,
        small_task_id,
        max(updated_at) as open_at
    from states
    where status is distinct from 'completed'
    group by user_id, small_task_id
),

first_completed as (
    select
        s.user_id,
        s.small_task_id,
        min(s.updated_at) as seen_completed_at
    from states as s
    left join last_open as o on s.user_id = o.user_id and s.small_task_id = o.small_task_id
    where s.status = 'completed' and s.updated_at > coalesce(o.open_at, timestamp '1900-01-01 00:00:00')
    group by s.user_id, s.small_task_id
),

completed as (
    select
        t.user_id,
        t.small_task_id,
        coalesce(t.completed_at, f.seen_completed_at, t.updated_at) as done_at
    from {{ ref('stg_app__small_tasks') }} as t
    left join first_completed as f on t.user_id = f.user_id and t.small_task_id = f.small_task_id
    where t.status = 'completed' and not t.is_deleted
),

localised as (
    {{ localised('completed', 'done_at', 'done_local') }}
)

select
    user_id,
    small_task_id,
    done_at,
    date
from localised
