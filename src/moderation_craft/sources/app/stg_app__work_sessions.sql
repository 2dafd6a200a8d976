with source as (
    {{ app_records('work_session') }}
),

renamed as (
    select
        user_id,
        id as session_id,
        small_task_id,
        project_id,
        start_time as started_at,
        end_time as ended_at,
        round(coalesce(
            duration_seconds,
            duration_minutes * 60,
            {{ seconds_between('start_time', 'end_time') }}
        ))::bigint as duration_seconds,
        focus_level,
        mood_notes,
        work_notes,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
