-- The days for which each person's calendars were read: a day in here without an event is an empty day.
with snapshots as (
    select
        user_id,
        coalesce({{ json_text('metadata', 'calendar') }}, '') as calendar,
        try_cast({{ json_text('metadata', 'window_first') }} as date) as first_date,
        try_cast({{ json_text('metadata', 'window_last') }} as date) as last_date,
        fetched_at,
        part_key
    from {{ source('calendar', 'ics') }}
)

select
    user_id,
    calendar,
    first_date,
    last_date
from snapshots
where first_date is not null and last_date >= first_date
qualify row_number() over (partition by user_id, calendar order by fetched_at desc, part_key desc) = 1
