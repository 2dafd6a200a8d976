-- What a device measured; on a day without any, what the person wrote down in the app.
with device as (
    select
        l.user_id,
        l.sleep_id,
        'fitbit' as origin,
        l.log_type,
        l.is_main_by_source,
        l.started_at,
        l.ended_at,
        case
            when l.start_offset_seconds is not null
                then l.started_at + to_seconds(l.start_offset_seconds)
            else {{ wall_clock('l.started_at', 'z.timezone') }}
        end as started_local,
        case
            when l.end_offset_seconds is not null
                then l.ended_at + to_seconds(l.end_offset_seconds)
            else {{ wall_clock('l.ended_at', 'z.timezone') }}
        end as ended_local,
        l.minutes_in_bed,
        l.minutes_asleep,
        l.minutes_awake,
        l.deep_minutes,
        l.light_minutes,
        l.rem_minutes,
        l.restless_minutes
    from {{ ref('stg_fitbit__sleep_logs') }} as l
    left join {{ ref('int_user_zones') }} as z
        on l.user_id = z.user_id and l.ended_at >= z.starts_at and l.ended_at < z.ends_at
),

device_dated as (
    select
        *,
        {{ day_of('ended_local') }} as date
    from device
),

device_days as (
    select distinct
        user_id,
        date
    from device_dated
),

written as (
    select
        s.user_id,
        'app-' || s.sleep_schedule_id as sleep_id,
        'app' as origin,
        'classic' as log_type,
        true as is_main_by_source,
        s.actual_start_at as started_at,
        s.actual_end_at as ended_at,
        {{ wall_clock('s.actual_start_at', 'z.timezone') }} as started_local,
        {{ wall_clock('s.actual_end_at', 'z.timezone') }} as ended_local,
        coalesce(s.minutes_in_bed, {{ seconds_between('s.actual_start_at', 's.actual_end_at') }} / 60.0) as minutes_in_bed,
        s.minutes_asleep,
        s.minutes_awake,
        null::double as deep_minutes,
        null::double as light_minutes,
        null::double as rem_minutes,
        null::double as restless_minutes,
        s.date_of_sleep as date
    from {{ ref('stg_app__sleep_schedules') }} as s
    inner join {{ ref('int_user_zones') }} as z
        on s.user_id = z.user_id and s.actual_end_at >= z.starts_at and s.actual_end_at < z.ends_at
    left join device_days as held
        on s.user_id = held.user_id and s.date_of_sleep = held.date
    where
        not s.is_deleted
        and s.actual_end_at > s.actual_start_at
        and coalesce(s.actual_data_source, 'manual') <> 'fitbit'
        and held.user_id is null
)

select * from device_dated
union all
select * from written
