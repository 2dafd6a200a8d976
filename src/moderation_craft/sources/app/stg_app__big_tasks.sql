with source as (
    {{ app_records('big_task') }}
),

renamed as (
    select
        user_id,
        id as big_task_id,
        {{ field('project_id') }} as project_id,
        {{ field('name') }} as name,
        {{ number(field('estimated_hours')) }} as estimated_hours,
        {{ number(field('actual_hours')) }} as actual_hours,
        {{ field('status') }} as status,
        {{ field('category') }} as category,
        {{ civil_date(field('start_date')) }} as start_date,
        {{ civil_date(field('end_date')) }} as end_date,
        {{ field('task_type') }} as task_type,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
