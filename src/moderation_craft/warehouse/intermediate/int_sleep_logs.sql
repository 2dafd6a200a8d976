-- What a device measured; on a day without any, what the person wrote down in the app.
with located as (
    select
        l.*,
        z.timezone
    from {{ ref('stg_fitbit__sleep_logs') }} as l
    left join {{ ref('int_user_zones') }} as z
        on
            l.user_id = z.user_id
            and case
                when l.ended_at is not null then l.ended_at >= z.starts_at and l.ended_at < z.ends_at
                else {{ day_of('l.ended_local') }} between z.from_date and z.to_date
            end
),

-- Archives know no zone: the wall clock at waking is read in the person's zone on that day, and the start lies as
-- far before it as the log is long, so that a night in which the clocks change keeps its length.
timed as (
    select
        *,
        coalesce(ended_at, {{ from_wall_clock('ended_local', 'timezone') }}) as woke_at,
        coalesce(
            ended_local, ended_at + to_seconds(end_offset_seconds), {{ wall_clock('ended_at', 'timezone') }}
        ) as woke_local
    from located
),

device as (
    select
        user_id,
        sleep_id,
        'fitbit' as origin,
        log_type,
        is_main_by_source,
        coalesce(
            started_at,
            woke_at - to_seconds(minutes_in_bed * 60),
            {{ from_wall_clock('started_local', 'timezone') }}
        ) as started_at,
        woke_at as ended_at,
        coalesce(
            started_local, started_at + to_seconds(start_offset_seconds), {{ wall_clock('started_at', 'timezone') }}
        ) as started_local,
        woke_local as ended_local,
        minutes_in_bed,
        minutes_asleep,
        minutes_awake,
        deep_minutes,
        light_minutes,
        rem_minutes,
        restless_minutes
    from timed
),

ranked as (
    select
        *,
        row_number() over (
            partition by user_id
            order by
                (deep_minutes is not null) desc, coalesce(is_main_by_source, false) desc, minutes_asleep desc nulls last,
                started_at asc, sleep_id asc
        ) as preference
    from device
    where ended_at > started_at
),

-- Two devices in one night: a log that lies by half or more within a better one is the same sleep.
inner_logs as (
    select
        worse.user_id,
        worse.sleep_id,
        better.sleep_id as better_sleep_id
    from ranked as worse
    inner join ranked as better
        on
            worse.user_id = better.user_id
            and worse.started_at < better.ended_at
            and worse.ended_at > better.started_at
            and worse.preference > better.preference
    where
        2 * {{ seconds_between('greatest(worse.started_at, better.started_at)', 'least(worse.ended_at, better.ended_at)') }}
        >= {{ seconds_between('worse.started_at', 'worse.ended_at') }}
),

-- Only a log that stands itself takes another's place.
same_sleeps as (
    select distinct
        user_id,
        sleep_id
    from inner_logs
    where (user_id, better_sleep_id) not in (select (o.user_id, o.sleep_id) from inner_logs as o)
),

device_dated as (
    select
        r.user_id,
        r.sleep_id,
        r.origin,
        r.log_type,
        r.is_main_by_source,
        r.started_at,
        r.ended_at,
        r.started_local,
        r.ended_local,
        r.minutes_in_bed,
        r.minutes_asleep,
        r.minutes_awake,
        r.deep_minutes,
        r.light_minutes,
        r.rem_minutes,
        r.restless_minutes,
        {{ day_of('r.ended_local') }} as date
    from ranked as r
    left join same_sleeps as s on r.user_id = s.user_id and r.sleep_id = s.sleep_id
    where s.user_id is null
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
