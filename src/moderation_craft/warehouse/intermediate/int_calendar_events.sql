-- The same event seen in several calendars or by several ways counts once. The way that knows most about it has
-- the word: Google says who declined and what was cancelled, an ICS address may lag by a day. Within one way, a
-- calendar in which the event takes place outweighs one from which it was taken out.
with ranked as (
    select
        *,
        case way_in when 'google' then 1 when 'caldav' then 2 else 3 end as way_rank
    from {{ ref('stg_calendar__events') }}
),

chosen as (
    select * from ranked
    qualify row_number() over (
        partition by user_id, occurrence_id
        order by way_rank asc, is_cancelled asc, is_declined asc, is_busy desc, calendar asc, event_id asc
    ) = 1
)

select
    user_id,
    occurrence_id,
    way_in,
    calendar,
    starts_at,
    ends_at,
    starts_on,
    ends_on,
    is_all_day,
    is_busy,
    title
from chosen
where not is_cancelled and not is_declined
