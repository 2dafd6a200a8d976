-- Real answers repeat a log: the newest state of each id counts, once.
with accepted as (
    select *
    from {{ ref('base_fitbit__sleep_points') }}
    where refusal is null
    qualify row_number() over (
        partition by user_id, sleep_id order by updated_at desc nulls last, date desc, record asc
    ) = 1
),

typed as (
    select
        *,
        started_at + to_seconds(start_offset_seconds) as started_local,
        ended_at + to_seconds(end_offset_seconds) as ended_local,
        coalesce(sleep_type = 'STAGES' and coalesce(stages_status, 'SUCCEEDED') = 'SUCCEEDED', false)
        and coalesce(stage_minutes['LIGHT'], stage_minutes['DEEP'], stage_minutes['REM']) is not null as has_stages,
        {{ seconds_between('started_at', 'ended_at') }} / 60.0 as minutes_between
    from accepted
),

measured as (
    select
        *,
        case when has_stages then coalesce(stage_minutes['DEEP'], 0) end as deep_minutes,
        case when has_stages then coalesce(stage_minutes['LIGHT'], 0) end as light_minutes,
        case when has_stages then coalesce(stage_minutes['REM'], 0) end as rem_minutes,
        coalesce(summary_minutes_in_bed, minutes_between) as minutes_in_bed
    from typed
)

select
    user_id,
    {{ night_id('coalesce(started_local, started_at)', 'coalesce(ended_local, ended_at)') }} as sleep_id,
    sleep_id as source_sleep_id,
    date as source_date,
    case when has_stages then 'stages' else 'classic' end as log_type,
    is_main_by_source,
    started_at,
    ended_at,
    started_local,
    ended_local,
    start_offset_seconds,
    end_offset_seconds,
    minutes_in_bed::double as minutes_in_bed,
    (case
        when has_stages then deep_minutes + light_minutes + rem_minutes
        else coalesce(summary_minutes_asleep, stage_minutes['ASLEEP'])
    end)::double as minutes_asleep,
    coalesce(summary_minutes_awake, stage_minutes['AWAKE'])::double as minutes_awake,
    deep_minutes::double as deep_minutes,
    light_minutes::double as light_minutes,
    rem_minutes::double as rem_minutes,
    (case when not has_stages then stage_minutes['RESTLESS'] end)::double as restless_minutes,
    updated_at,
    'google_health' as way_in
from measured
