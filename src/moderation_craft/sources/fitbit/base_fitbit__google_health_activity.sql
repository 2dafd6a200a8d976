with figures as (
    select *
    from {{ ref('base_fitbit__google_health_figures') }}
    where entity = 'activity' and refusal is null
),

{%- set names = [
    'steps', 'distance_mm', 'floors', 'energy_kcal', 'light_minutes', 'moderate_minutes', 'vigorous_minutes',
    'fat_burn_zone_minutes', 'cardio_zone_minutes', 'peak_zone_minutes', 'sedentary_seconds'
] %}

days as (
    select
        user_id,
        {%- for name in names %}
        max(value) filter (where figure = '{{ name }}') as {{ name }},
        {%- endfor %}
        date
    from figures
    group by user_id, date
)

-- A roll-up that has any level or zone has all of them: those that it leaves out are 0.
select
    user_id,
    date,
    steps,
    distance_mm / 1000000 as distance_km,
    floors,
    energy_kcal,
    {%- for level in ['light', 'moderate', 'vigorous'] %}
    case
        when coalesce(light_minutes, moderate_minutes, vigorous_minutes) is not null then coalesce({{ level }}_minutes, 0)
    end as {{ level }}_minutes,
    {%- endfor %}
    case
        when coalesce(light_minutes, moderate_minutes, vigorous_minutes) is not null
            then coalesce(moderate_minutes, 0) + coalesce(vigorous_minutes, 0)
    end as active_minutes,
    case
        when coalesce(fat_burn_zone_minutes, cardio_zone_minutes, peak_zone_minutes) is not null
            then coalesce(fat_burn_zone_minutes, 0) + coalesce(cardio_zone_minutes, 0) + coalesce(peak_zone_minutes, 0)
    end as active_zone_minutes,
    sedentary_seconds / 60 as sedentary_minutes,
    'google_health' as way_in
from days
