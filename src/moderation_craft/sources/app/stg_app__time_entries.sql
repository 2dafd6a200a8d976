with source as (
    {{ app_records('time_entries') }}
),

renamed as (
    select
        user_id,
        id as time_entry_id,
        small_task_id,
        project_id,
        big_task_id,
        date,
        start_time,
        end_time,
        duration_minutes,
        description,
        notes,
        focus_level,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
