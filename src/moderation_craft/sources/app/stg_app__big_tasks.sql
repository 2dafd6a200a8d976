with source as (
    {{ app_records('big_task') }}
),

renamed as (
    select
        user_id,
        id as big_task_id,
        project_id,
        name,
        estimated_hours,
        actual_hours,
        status,
        category,
        start_date,
        end_date,
        task_type,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
