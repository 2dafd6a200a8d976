with source as (
    {{ app_records('project') }}
),

renamed as (
    select
        user_id,
        id as project_id,
        {{ field('name') }} as name,
        {{ field('goal') }} as goal,
        {{ civil_date(field('deadline')) }} as deadline,
        {{ field('status') }} as status,
        {{ field('color') }} as color,
        {{ number(field('estimated_total_hours')) }} as estimated_total_hours,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
