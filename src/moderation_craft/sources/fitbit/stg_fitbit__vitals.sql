{%- set figures = [
    'resting_heart_rate_bpm', 'hrv_rmssd_ms', 'spo2_pct', 'breathing_rate_per_minute',
    'skin_temperature_delta_celsius', 'weight_kg', 'heart_rate_mean_bpm', 'heart_rate_min_bpm', 'heart_rate_max_bpm'
] %}

{{ merged_days('vitals', figures) }}
