with source as (
    {{ app_records('sleep_schedule') }}
),

renamed as (
    select
        user_id,
        id as sleep_schedule_id,
        date_of_sleep,
        scheduled_start_time as scheduled_start_at,
        scheduled_end_time as scheduled_end_at,
        scheduled_duration_minutes as scheduled_minutes,
        actual_start_time as actual_start_at,
        actual_end_time as actual_end_at,
        minutes_asleep,
        minutes_awake,
        time_in_bed as minutes_in_bed,
        sleep_efficiency as efficiency_pct,
        actual_data_source,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
