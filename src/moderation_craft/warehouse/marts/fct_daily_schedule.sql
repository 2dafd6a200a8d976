-- Meetings at the same time count once: the minutes are those of the union of busy, timed events.
with windows as (
    select
        user_id,
        min(first_date) as first_date,
        max(last_date) as last_date
    from {{ ref('stg_calendar__windows') }}
    group by user_id
),

days as (
    select
        w.user_id,
        {{ days_between('w.first_date', 'w.last_date') }} as date
    from windows as w
),

timed as (
    select
        e.user_id,
        e.event_id,
        e.is_busy,
        e.starts_at,
        greatest(e.ends_at, e.starts_at) as ends_at
    from {{ ref('stg_calendar__events') }} as e
    where not e.is_all_day and e.starts_at is not null
),

day_bounds as (
    select
        d.user_id,
        d.date,
        {{ day_starts_at('d.date', 'z.timezone') }} as day_starts_at,
        {{ day_starts_at('(d.date + 1)', 'z.timezone') }} as day_ends_at
    from days as d
    inner join {{ ref('int_user_zones') }} as z
        on d.user_id = z.user_id and d.date between z.from_date and z.to_date
),

on_days as (
    select
        b.user_id,
        b.date,
        t.event_id,
        t.is_busy,
        greatest(t.starts_at, b.day_starts_at) as part_starts_at,
        least(t.ends_at, b.day_ends_at) as part_ends_at
    from day_bounds as b
    inner join timed as t
        on
            b.user_id = t.user_id
            and b.day_ends_at > t.starts_at
            and (b.day_starts_at < t.ends_at or b.day_starts_at <= t.starts_at)
),

busy as (
    select
        user_id,
        date,
        part_starts_at,
        part_ends_at,
        max(part_ends_at) over (
            partition by user_id, date
            order by part_starts_at, part_ends_at, event_id
            rows between unbounded preceding and 1 preceding
        ) as busy_until
    from on_days
    where is_busy
),

meeting_minutes as (
    select
        user_id,
        date,
        sum(greatest(
            {{ seconds_between('greatest(part_starts_at, coalesce(busy_until, part_starts_at))', 'part_ends_at') }}, 0
        ))::bigint / 60.0 as meeting_minutes
    from busy
    group by user_id, date
),

all_day as (
    select
        user_id,
        event_id,
        {{ days_between('starts_on', 'coalesce(ends_on, starts_on)') }} as date
    from {{ ref('stg_calendar__events') }}
    where is_all_day and starts_on is not null
),

events as (
    select user_id, date, event_id from on_days
    union
    select user_id, date, event_id from all_day
),

event_counts as (
    select
        user_id,
        date,
        count(*) as event_count
    from events
    group by user_id, date
)

-- How far the calendar was read depends on the day it was fetched: beyond the person's own days, only days
-- with events are kept.
select
    d.user_id,
    d.date,
    coalesce(m.meeting_minutes, 0)::double as meeting_minutes,
    coalesce(c.event_count, 0)::bigint as event_count
from days as d
left join {{ ref('int_user_days') }} as own on d.user_id = own.user_id and d.date = own.date
left join meeting_minutes as m on d.user_id = m.user_id and d.date = m.date
left join event_counts as c on d.user_id = c.user_id and d.date = c.date
where own.user_id is not null or c.event_count > 0
