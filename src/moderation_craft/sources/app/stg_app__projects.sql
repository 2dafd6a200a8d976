with source as (
    {{ app_records('project') }}
),

renamed as (
    select
        user_id,
        id as project_id,
        name,
        goal,
        deadline,
        status,
        color,
        estimated_total_hours,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
