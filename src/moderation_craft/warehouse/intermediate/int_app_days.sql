-- The days on which a person used the app: only on these does "no session" mean 0 minutes.
with noted as (
    select
        user_id,
        noted_at
    from {{ ref('stg_app__dopamine_entries') }}
    where not is_deleted
),

localised as (
    {{ localised('noted', 'noted_at', 'noted_local') }}
)

select distinct
    user_id,
    date
from (
    select
        user_id,
        date
    from {{ ref('int_work_sessions') }}
    union all
    select
        user_id,
        date
    from {{ ref('fct_mood_entries') }}
    union all
    select
        user_id,
        date
    from localised
    union all
    select
        user_id,
        date
    from {{ ref('stg_app__daily_conditions') }}
    where not is_deleted
    union all
    select
        user_id,
        date
    from {{ ref('stg_app__time_entries') }}
    where not is_deleted
    union all
    select
        user_id,
        date
    from {{ ref('int_task_completions') }}
)
