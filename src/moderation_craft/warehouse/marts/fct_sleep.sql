with logs as (
    select
        *,
        row_number() over (
            partition by user_id, date
            order by coalesce(is_main_by_source, false) desc, minutes_asleep desc nulls last, started_at asc, sleep_id asc
        ) = 1 as is_main
    from {{ ref('int_sleep_logs') }}
),

plans as (
    select
        user_id,
        date_of_sleep,
        scheduled_start_at,
        scheduled_end_at,
        coalesce(
            scheduled_minutes, {{ seconds_between('scheduled_start_at', 'scheduled_end_at') }} / 60.0
        ) as scheduled_minutes
    from {{ ref('stg_app__sleep_schedules') }}
    where not is_deleted
    qualify row_number() over (
        partition by user_id, date_of_sleep order by updated_at desc nulls last, sleep_schedule_id asc
    ) = 1
),

measured as (
    select
        *,
        case
            when minutes_in_bed > 0 and minutes_asleep is not null
                then least(100.0 * minutes_asleep / minutes_in_bed, 100.0)
        end as efficiency_pct
    from logs
)

select
    m.user_id,
    m.date,
    m.sleep_id,
    m.is_main,
    m.log_type,
    m.origin,
    m.started_at,
    m.ended_at,
    m.started_local,
    m.ended_local,
    m.minutes_in_bed,
    m.minutes_asleep,
    m.minutes_awake,
    m.deep_minutes,
    m.light_minutes,
    m.rem_minutes,
    m.restless_minutes,
    round(m.efficiency_pct, 6) as efficiency_pct,
    (
        select q.sleep_quality
        from {{ ref('sleep_qualities') }} as q
        where q.least_efficiency_pct <= m.efficiency_pct
        order by q.least_efficiency_pct desc
        limit 1
    ) as sleep_quality,
    p.scheduled_start_at as planned_start_at,
    p.scheduled_end_at as planned_end_at,
    p.scheduled_minutes as planned_minutes
from measured as m
left join plans as p
    on m.user_id = p.user_id and m.date = p.date_of_sleep and m.is_main
