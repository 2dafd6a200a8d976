-- The day's minutes in the mart are those of the day's sessions.
with sessions as (
    select
        user_id,
        date,
        sum(duration_minutes) as minutes,
        count(*) as session_count
    from {{ ref('fct_work_sessions') }}
    group by user_id, date
)

select
    m.user_id,
    m.date
from {{ ref('mart_productivity_daily') }} as m
full outer join sessions as s on m.user_id = s.user_id and m.date = s.date
where
    abs(coalesce(m.work_minutes, 0) - coalesce(s.minutes, 0)) > 1e-6
    or coalesce(m.session_count, 0) <> coalesce(s.session_count, 0)
