with source as (
    {{ app_records('small_task') }}
),

renamed as (
    select
        user_id,
        id as small_task_id,
        big_task_id,
        project_id,
        name,
        estimated_minutes,
        actual_minutes,
        scheduled_start as scheduled_start_at,
        scheduled_end as scheduled_end_at,
        coalesce(status, 'pending') as status,
        completed_at,
        task_type,
        kanban_column,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
