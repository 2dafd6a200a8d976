{%- set names = [
    'steps', 'distance_km', 'floors', 'energy_kcal', 'light_minutes', 'moderate_minutes', 'vigorous_minutes',
    'active_zone_minutes', 'sedentary_minutes'
] %}

with layouts as (
    select
        user_id,
        date,
        way_in,
        {%- for name in names %}
        max(value) filter (where measure = '{{ name }}') as {{ name }},
        {%- endfor %}
        rank
    from {{ source('raw', 'fitbit_archive_days') }}
    where list_contains([{{ "'" ~ names | join("', '") ~ "'" }}], measure)
    group by user_id, date, way_in, rank
),

-- Archives fill days without a device: a whole day of sitting still, and no movement of any kind. Nobody sleeps in
-- such a day; it was not worn.
worn as (
    select
        *,
        sedentary_minutes >= 1440
        and coalesce(light_minutes, 0) + coalesce(moderate_minutes, 0) + coalesce(vigorous_minutes, 0) = 0 as is_filler
    from layouts
),

known as (
    select
        user_id,
        date,
        way_in,
        {%- for name in ['steps', 'distance_km', 'floors', 'energy_kcal', 'active_zone_minutes'] %}
        {{ name }},
        {%- endfor %}
        {%- for level in ['light', 'moderate', 'vigorous', 'sedentary'] %}
        case when not coalesce(is_filler, false) then {{ level }}_minutes end as {{ level }}_minutes,
        {%- endfor %}
        rank
    from worn
),

days as (
    select
        user_id,
        date,
        {%- for name in names %}
        {{ first_known(name, 'rank') }} as {{ name }},
        {%- endfor %}
        way_in
    from known
    group by user_id, date, way_in
)

select
    user_id,
    date,
    steps,
    distance_km,
    floors,
    energy_kcal,
    light_minutes,
    moderate_minutes,
    vigorous_minutes,
    moderate_minutes + vigorous_minutes as active_minutes,
    active_zone_minutes,
    sedentary_minutes,
    way_in
from days
