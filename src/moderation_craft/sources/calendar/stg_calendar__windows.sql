-- The days for which each person's calendars were read: a day in here without an event is an empty day. Days
-- once read stay read. Of Google's pages only the last of a sync says that the whole was read.
with envelopes as (
    {%- for way in ('ics', 'caldav', 'google') %}
    {% if not loop.first %}union all{% endif %}
    select
        user_id,
        '{{ way }}' as way_in,
        metadata
    from {{ source('calendar', way) }}
    {%- if way == 'google' %}
    where {{ json_text('metadata', 'is_last') }} = 'true'
    {%- endif %}
    {%- endfor %}
),

windows as (
    select
        user_id,
        way_in,
        coalesce({{ json_text('metadata', 'calendar') }}, '') as calendar,
        try_cast({{ json_text('metadata', 'window_first') }} as date) as first_date,
        try_cast({{ json_text('metadata', 'window_last') }} as date) as last_date
    from envelopes
)

select
    user_id,
    way_in,
    calendar,
    min(first_date) as first_date,
    max(last_date) as last_date
from windows
where first_date is not null and last_date >= first_date
group by user_id, way_in, calendar
