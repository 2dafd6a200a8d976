with source as (
    {{ app_records('sleep_schedule') }}
),

renamed as (
    select
        user_id,
        id as sleep_schedule_id,
        {{ civil_date(field('date_of_sleep')) }} as date_of_sleep,
        {{ instant(field('scheduled_start_time')) }} as scheduled_start_at,
        {{ instant(field('scheduled_end_time')) }} as scheduled_end_at,
        {{ number(field('scheduled_duration_minutes')) }} as scheduled_minutes,
        {{ instant(field('actual_start_time')) }} as actual_start_at,
        {{ instant(field('actual_end_time')) }} as actual_end_at,
        {{ number(field('minutes_asleep')) }} as minutes_asleep,
        {{ number(field('minutes_awake')) }} as minutes_awake,
        {{ number(field('time_in_bed')) }} as minutes_in_bed,
        {{ number(field('sleep_efficiency')) }} as efficiency_pct,
        {{ field('actual_data_source') }} as actual_data_source,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
