{%- set figures = [
    'steps', 'distance_km', 'floors', 'energy_kcal', 'light_minutes', 'moderate_minutes', 'vigorous_minutes',
    'active_minutes', 'active_zone_minutes', 'sedentary_minutes'
] %}

{{ merged_days('activity', figures) }}
