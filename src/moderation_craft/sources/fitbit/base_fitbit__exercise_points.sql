with latest as (
    {{ latest_envelopes('fitbit', 'exercise') }}
),

points as (
    select
        user_id,
        date,
        part_key as origin,
        {{ json_each('data', 'dataPoints') }} as point
    from latest
),

renamed as (
    select
        user_id,
        date,
        origin,
        point::varchar as record,
        regexp_extract(
            coalesce({{ json_text('point', 'dataPointName') }}, {{ json_text('point', 'name') }}), '[^/]+$'
        ) as source_exercise_id,
        {{ instant(json_text('point', 'exercise.interval.startTime')) }} as started_at,
        {{ instant(json_text('point', 'exercise.interval.endTime')) }} as ended_at,
        {{ seconds_of(json_text('point', 'exercise.interval.startUtcOffset')) }} as start_offset_seconds,
        {{ seconds_of(json_text('point', 'exercise.interval.endUtcOffset')) }} as end_offset_seconds,
        {{ json_text('point', 'exercise.exerciseType') }} as exercise_type,
        {{ json_text('point', 'exercise.displayName') }} as display_name,
        {{ seconds_of(json_text('point', 'exercise.activeDuration')) }} / 60 as active_minutes,
        {{ number(json_text('point', 'exercise.metricsSummary.caloriesKcal')) }} as energy_kcal,
        {{ number(json_text('point', 'exercise.metricsSummary.distanceMillimeters')) }} / 1000000 as distance_km,
        {{ number(json_text('point', 'exercise.metricsSummary.steps')) }} as steps,
        nullif({{ number(json_text('point', 'exercise.metricsSummary.averageHeartRateBeatsPerMinute')) }}, 0)
            as heart_rate_mean_bpm,
        {{ number(json_text('point', 'exercise.metricsSummary.activeZoneMinutes')) }} as active_zone_minutes,
        {{ instant(json_text('point', 'exercise.updateTime')) }} as updated_at
    from points
)

select
    *,
    case
        when started_at is null then 'exercise.interval.startTime is missing or not a time'
        when ended_at is null then 'exercise.interval.endTime is missing or not a time'
        when ended_at < started_at then 'the exercise ends before it starts'
        when {{ seconds_between('started_at', 'ended_at') }} > 172800 then 'the exercise lasts more than 48 hours'
    end as refusal
from renamed
