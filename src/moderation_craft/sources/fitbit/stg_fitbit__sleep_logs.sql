-- The same night by several ways is one row: what was measured in it comes from one way (stages before none), all
-- else from the first way that says it.
{%- set measured = [
    'log_type', 'minutes_in_bed', 'minutes_asleep', 'minutes_awake', 'deep_minutes', 'light_minutes', 'rem_minutes',
    'restless_minutes'
] %}
{%- set told = [
    'source_sleep_id', 'source_date', 'is_main_by_source', 'started_at', 'ended_at', 'started_local', 'ended_local',
    'start_offset_seconds', 'end_offset_seconds', 'updated_at'
] %}

with logs as (
    {%- for way in fitbit_ways('sleep') %}
    select
        user_id,
        sleep_id,
        {%- for column in told + measured %}
        {{ column }},
        {%- endfor %}
        way_in
    from {{ way }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by user_id, sleep_id
            order by {{ way_rank() }} asc, updated_at desc nulls last, source_date desc, source_sleep_id asc
        ) as way_rank,
        row_number() over (
            partition by user_id, sleep_id
            order by
                (deep_minutes is not null) desc, (minutes_asleep is not null) desc, {{ way_rank() }} asc,
                updated_at desc nulls last, source_date desc, source_sleep_id asc
        ) as measured_rank
    from logs
)

select
    user_id,
    sleep_id,
    {%- for column in told %}
    {{ first_known(column) }} as {{ column }},
    {%- endfor %}
    {%- for column in measured %}
    max({{ column }}) filter (where measured_rank = 1) as {{ column }},
    {%- endfor %}
    {{ first_known('way_in') }} as way_in
from ranked
group by user_id, sleep_id
