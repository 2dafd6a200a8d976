-- The person's own first and last day of data; weather, calendars and plans reach further and do not count.
with own as (
    select user_id, date from {{ ref('fct_work_sessions') }}
    union all
    select user_id, date from {{ ref('fct_mood_entries') }}
    union all
    select user_id, date from {{ ref('stg_app__daily_conditions') }}
    where not is_deleted
    union all
    select user_id, date from {{ ref('fct_daily_health') }}
    union all
    select user_id, date from {{ ref('fct_sleep') }}
    union all
    select user_id, date from {{ ref('fct_daily_measures') }}
),

bounds as (
    select
        user_id,
        min(date) as first_date,
        max(date) as last_date
    from own
    group by user_id
),

days as (
    select
        user_id,
        {{ days_between('first_date', 'last_date') }} as date
    from bounds
),

own_days as (
    select distinct
        user_id,
        date
    from own
)

select
    d.user_id,
    d.date,
    z.timezone,
    o.user_id is not null as has_own_data
from days as d
inner join {{ ref('int_user_zones') }} as z
    on d.user_id = z.user_id and d.date between z.from_date and z.to_date
left join own_days as o on d.user_id = o.user_id and d.date = o.date
