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
        e.occurrence_id,
        e.title,
        e.is_busy,
        e.starts_at,
        greatest(e.ends_at, e.starts_at) as ends_at
    from {{ ref('int_calendar_events') }} as e
    where not e.is_all_day and e.starts_at is not null
),

day_bounds as (
    select
        d.user_id,
        d.date,
        {{ day_starts_at('d.date', 'z.timezone') }} as day_starts_at,
        {{ day_starts_at('(d.date + 1)', 'z.timezone') }} as day_ends_at,
        {{ from_wall_clock("(d.date::timestamp + h.from_hour * interval '1 hour')", 'z.timezone') }} as hours_start_at,
        {{ from_wall_clock("(d.date::timestamp + h.to_hour * interval '1 hour')", 'z.timezone') }} as hours_end_at
    from days as d
    inner join {{ ref('int_user_zones') }} as z
        on d.user_id = z.user_id and d.date between z.from_date and z.to_date
    cross join {{ ref('schedule_hours') }} as h
),

on_days as (
    select
        b.user_id,
        b.date,
        t.occurrence_id,
        t.title,
        t.is_busy,
        t.starts_at,
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
            order by part_starts_at, part_ends_at, occurrence_id
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

in_hours as (
    select
        b.user_id,
        b.date,
        b.hours_start_at,
        b.hours_end_at,
        o.occurrence_id,
        -- greatest and least pass over NULL: a day without meetings must stay without.
        case when o.date is not null then greatest(o.part_starts_at, b.hours_start_at) end as part_starts_at,
        case when o.date is not null then least(o.part_ends_at, b.hours_end_at) end as part_ends_at
    from day_bounds as b
    left join on_days as o
        on
            b.user_id = o.user_id and b.date = o.date and o.is_busy
            and b.hours_end_at > o.part_starts_at and b.hours_start_at < o.part_ends_at
),

gaps as (
    select
        user_id,
        date,
        hours_start_at,
        hours_end_at,
        part_starts_at,
        part_ends_at,
        coalesce(max(part_ends_at) over (
            partition by user_id, date
            order by part_starts_at, part_ends_at, occurrence_id
            rows between unbounded preceding and 1 preceding
        ), hours_start_at) as busy_until
    from in_hours
),

hours as (
    select
        user_id,
        date,
        {{ seconds_between('min(hours_start_at)', 'min(hours_end_at)') }} as seconds_in_all,
        sum(greatest(coalesce({{ seconds_between('greatest(part_starts_at, busy_until)', 'part_ends_at') }}, 0), 0))::bigint
            as busy_seconds,
        greatest(
            coalesce(max({{ seconds_between('busy_until', 'part_starts_at') }}), 0),
            {{ seconds_between('coalesce(max(part_ends_at), min(hours_start_at))', 'min(hours_end_at)') }}
        ) as longest_free_seconds
    from gaps
    group by user_id, date
),

all_day as (
    select
        user_id,
        occurrence_id,
        title,
        {{ days_between('starts_on', 'coalesce(ends_on, starts_on)') }} as date
    from {{ ref('int_calendar_events') }}
    where is_all_day and starts_on is not null
),

events as (
    select user_id, date, occurrence_id, title, starts_at from on_days
    union all
    select user_id, date, occurrence_id, title, null as starts_at from all_day
),

event_counts as (
    select
        user_id,
        date,
        count(*) as event_count,
        string_agg(title, chr(10) order by starts_at nulls first, title, occurrence_id) as event_titles
    from events
    group by user_id, date
)

-- How far the calendar was read depends on the day it was fetched: beyond the person's own days, only days
-- with events are kept.
select
    d.user_id,
    d.date,
    coalesce(m.meeting_minutes, 0)::double as meeting_minutes,
    coalesce(c.event_count, 0)::bigint as event_count,
    (h.longest_free_seconds / 60.0)::double as longest_free_minutes,
    (100.0 * h.busy_seconds / h.seconds_in_all)::double as busy_share_pct,
    c.event_titles
from days as d
inner join hours as h on d.user_id = h.user_id and d.date = h.date
left join {{ ref('int_user_days') }} as own on d.user_id = own.user_id and d.date = own.date
left join meeting_minutes as m on d.user_id = m.user_id and d.date = m.date
left join event_counts as c on d.user_id = c.user_id and d.date = c.date
where own.user_id is not null or c.event_count > 0
