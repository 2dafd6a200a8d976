{%- set names = [
    'resting_heart_rate_bpm', 'hrv_rmssd_ms', 'spo2_pct', 'breathing_rate_per_minute',
    'skin_temperature_delta_celsius', 'weight_kg', 'heart_rate_mean_bpm', 'heart_rate_min_bpm', 'heart_rate_max_bpm'
] %}

select
    user_id,
    date,
    {%- for name in names %}
    arg_min(value, rank) filter (where measure = '{{ name }}') as {{ name }},
    {%- endfor %}
    way_in
from {{ source('raw', 'fitbit_archive_days') }}
where list_contains([{{ "'" ~ names | join("', '") ~ "'" }}], measure)
group by user_id, date, way_in
