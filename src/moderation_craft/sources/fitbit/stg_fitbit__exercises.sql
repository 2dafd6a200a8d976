-- The same exercise by several ways is one row, each figure from the first way that has it.
{%- set columns = [
    'source_exercise_id', 'date', 'exercise_type', 'display_name', 'started_at', 'ended_at', 'started_local',
    'ended_local', 'active_minutes', 'energy_kcal', 'distance_km', 'steps', 'heart_rate_mean_bpm', 'active_zone_minutes'
] %}

with exercises as (
    {%- for way in fitbit_ways('exercises') %}
    select
        user_id,
        exercise_id,
        {%- for column in columns %}
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
            partition by user_id, exercise_id order by {{ way_rank() }} asc, source_exercise_id asc
        ) as way_rank
    from exercises
)

select
    user_id,
    exercise_id,
    {%- for column in columns %}
    {{ first_known(column) }} as {{ column }},
    {%- endfor %}
    {{ first_known('way_in') }} as way_in
from ranked
group by user_id, exercise_id
