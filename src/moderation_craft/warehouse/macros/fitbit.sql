{#- The ways in of Fitbit's data; each entity has a base model for each, in one normal form. -#}
{%- macro fitbit_ways(entity) -%}
{{ return([ref('base_fitbit__google_health_' ~ entity), ref('base_fitbit__archive_' ~ entity)]) }}
{%- endmacro -%}

{#- Google Health before archives before the old API. -#}
{%- macro way_rank() -%}
case when way_in = 'google_health' then 1 when way_in like 'takeout%' then 2 else 3 end
{%- endmacro -%}

{%- macro first_known(column, rank='way_rank') -%}
{{ return(adapter.dispatch('first_known', 'moderation_craft')(column, rank)) }}
{%- endmacro -%}

{#- In a GROUP BY: the value of the first way that has one; NULL never hides a value. -#}
{%- macro default__first_known(column, rank) -%}
arg_min({{ column }}, {{ rank }}) filter (where {{ column }} is not null)
{%- endmacro -%}

{#- One row a person and day: each figure from the first way that has it. -#}
{%- macro merged_days(entity, figures) -%}
with days as (
    {%- for way in fitbit_ways(entity) %}
    select
        user_id,
        date,
        {%- for figure in figures %}
        {{ figure }},
        {%- endfor %}
        way_in,
        {{ way_rank() }} as way_rank
    from {{ way }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    user_id,
    date,
    {%- for figure in figures %}
    {{ first_known(figure) }}::double as {{ figure }},
    {%- endfor %}
    {{ first_known('way_in') }} as way_in
from days
group by user_id, date
{%- endmacro -%}

{#- The daily figures of Google Health: stream, where in the answer, and between which bounds it can be. With
    `zero_is_missing` a 0 is no measurement; else 0 is one: worn, and nothing. -#}
{%- macro fitbit_figures() -%}
{%- set rolled, point = 'rollupDataPoints[0].', 'dataPoints[0].' -%}
{{ return([
    {'name': 'steps', 'stream': 'steps', 'entity': 'activity', 'path': rolled ~ 'steps.countSum', 'bounds': [0, 300000]},
    {'name': 'distance_mm', 'stream': 'distance', 'entity': 'activity', 'path': rolled ~ 'distance.millimetersSum', 'bounds': [0, 1000000000]},
    {'name': 'floors', 'stream': 'floors', 'entity': 'activity', 'path': rolled ~ 'floors.countSum', 'bounds': [0, 10000]},
    {'name': 'energy_kcal', 'stream': 'total-calories', 'entity': 'activity', 'path': rolled ~ 'totalCalories.kcalSum', 'bounds': [1, 30000], 'zero_is_missing': true},
    {'name': 'fat_burn_zone_minutes', 'stream': 'active-zone-minutes', 'entity': 'activity', 'path': rolled ~ 'activeZoneMinutes.sumInFatBurnHeartZone', 'bounds': [0, 3000]},
    {'name': 'cardio_zone_minutes', 'stream': 'active-zone-minutes', 'entity': 'activity', 'path': rolled ~ 'activeZoneMinutes.sumInCardioHeartZone', 'bounds': [0, 3000]},
    {'name': 'peak_zone_minutes', 'stream': 'active-zone-minutes', 'entity': 'activity', 'path': rolled ~ 'activeZoneMinutes.sumInPeakHeartZone', 'bounds': [0, 3000]},
    {'name': 'sedentary_seconds', 'stream': 'sedentary-period', 'entity': 'activity', 'path': rolled ~ 'sedentaryPeriod.durationSum', 'bounds': [0, 90000]},
    {'name': 'heart_rate_min_bpm', 'stream': 'heart-rate', 'entity': 'vitals', 'path': rolled ~ 'heartRate.beatsPerMinuteMin', 'bounds': [20, 300], 'zero_is_missing': true},
    {'name': 'heart_rate_mean_bpm', 'stream': 'heart-rate', 'entity': 'vitals', 'path': rolled ~ 'heartRate.beatsPerMinuteAvg', 'bounds': [20, 300], 'zero_is_missing': true},
    {'name': 'heart_rate_max_bpm', 'stream': 'heart-rate', 'entity': 'vitals', 'path': rolled ~ 'heartRate.beatsPerMinuteMax', 'bounds': [20, 300], 'zero_is_missing': true},
    {'name': 'resting_heart_rate_bpm', 'stream': 'daily-resting-heart-rate', 'entity': 'vitals', 'path': point ~ 'dailyRestingHeartRate.beatsPerMinute', 'bounds': [20, 200], 'zero_is_missing': true},
    {'name': 'hrv_rmssd_ms', 'stream': 'daily-heart-rate-variability', 'entity': 'vitals', 'path': point ~ 'dailyHeartRateVariability.averageHeartRateVariabilityMilliseconds', 'bounds': [0.1, 500], 'zero_is_missing': true},
    {'name': 'spo2_pct', 'stream': 'daily-oxygen-saturation', 'entity': 'vitals', 'path': point ~ 'dailyOxygenSaturation.averagePercentage', 'bounds': [50, 100], 'zero_is_missing': true},
    {'name': 'breathing_rate_per_minute', 'stream': 'daily-respiratory-rate', 'entity': 'vitals', 'path': point ~ 'dailyRespiratoryRate.breathsPerMinute', 'bounds': [3, 80], 'zero_is_missing': true},
    {'name': 'skin_temperature_celsius', 'stream': 'daily-sleep-temperature-derivations', 'entity': 'vitals', 'path': point ~ 'dailySleepTemperatureDerivations.nightlyTemperatureCelsius', 'bounds': [10, 50], 'zero_is_missing': true},
    {'name': 'skin_baseline_celsius', 'stream': 'daily-sleep-temperature-derivations', 'entity': 'vitals', 'path': point ~ 'dailySleepTemperatureDerivations.baselineTemperatureCelsius', 'bounds': [10, 50], 'zero_is_missing': true}
]) }}
{%- endmacro -%}

{%- macro seconds_of(duration) -%}
{{ number("replace(" ~ duration ~ ", 's', '')") }}
{%- endmacro -%}
