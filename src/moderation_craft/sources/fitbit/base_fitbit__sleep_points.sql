with latest as (
    {{ latest_envelopes('fitbit', 'sleep') }}
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
        coalesce(
            regexp_extract(
                coalesce({{ json_text('point', 'name') }}, {{ json_text('point', 'dataPointName') }}), '[^/]+$'
            ),
            {{ json_text('point', 'sleep.metadata.externalId') }},
            md5(concat_ws('|', {{ json_text('point', 'sleep.interval.startTime') }}, {{ json_text('point', 'sleep.interval.endTime') }}))
        ) as sleep_id,
        {{ instant(json_text('point', 'sleep.interval.startTime')) }} as started_at,
        {{ instant(json_text('point', 'sleep.interval.endTime')) }} as ended_at,
        {{ number("replace(" ~ json_text('point', 'sleep.interval.startUtcOffset') ~ ", 's', '')") }} as start_offset_seconds,
        {{ number("replace(" ~ json_text('point', 'sleep.interval.endUtcOffset') ~ ", 's', '')") }} as end_offset_seconds,
        {{ json_text('point', 'sleep.type') }} as sleep_type,
        {{ json_text('point', 'sleep.metadata.stagesStatus') }} as stages_status,
        {{ json_text('point', 'sleep.metadata.mainSleep') }} = 'true' as is_main_by_source,
        {{ number(json_text('point', 'sleep.summary.minutesInSleepPeriod')) }} as summary_minutes_in_bed,
        {{ number(json_text('point', 'sleep.summary.minutesAsleep')) }} as summary_minutes_asleep,
        {{ number(json_text('point', 'sleep.summary.minutesAwake')) }} as summary_minutes_awake,
        {{ stage_minutes('point') }} as stage_minutes,
        {{ instant(json_text('point', 'sleep.updateTime')) }} as updated_at
    from points
)

select
    *,
    case
        when started_at is null then 'sleep.interval.startTime is missing or not a time'
        when ended_at is null then 'sleep.interval.endTime is missing or not a time'
        when ended_at <= started_at then 'sleep ends before it starts'
        when {{ seconds_between('started_at', 'ended_at') }} > 172800 then 'sleep lasts more than 48 hours'
    end as refusal
from renamed
