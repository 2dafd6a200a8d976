{%- set names = [
    'resting_heart_rate_bpm', 'hrv_rmssd_ms', 'spo2_pct', 'breathing_rate_per_minute', 'skin_temperature_celsius',
    'skin_baseline_celsius', 'weight_kg', 'heart_rate_mean_bpm', 'heart_rate_min_bpm', 'heart_rate_max_bpm'
] %}

with days as (
    select
        user_id,
        {%- for name in names %}
        max(value) filter (where figure = '{{ name }}') as {{ name }},
        {%- endfor %}
        date
    from {{ ref('base_fitbit__google_health_figures') }}
    where entity = 'vitals' and refusal is null
    group by user_id, date
)

-- Without a baseline (the first month with a device) the difference is not known.
select
    user_id,
    date,
    resting_heart_rate_bpm,
    hrv_rmssd_ms,
    spo2_pct,
    breathing_rate_per_minute,
    round(skin_temperature_celsius - skin_baseline_celsius, 6) as skin_temperature_delta_celsius,
    weight_kg,
    heart_rate_mean_bpm,
    heart_rate_min_bpm,
    heart_rate_max_bpm,
    'google_health' as way_in
from days
