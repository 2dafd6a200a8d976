with source as (
    {{ app_records('time_entries') }}
),

renamed as (
    select
        user_id,
        id as time_entry_id,
        {{ field('small_task_id') }} as small_task_id,
        {{ field('project_id') }} as project_id,
        {{ field('big_task_id') }} as big_task_id,
        {{ civil_date(field('date')) }} as date,
        {{ field('start_time') }} as start_time,
        {{ field('end_time') }} as end_time,
        {{ number(field('duration_minutes')) }} as duration_minutes,
        {{ field('description') }} as description,
        {{ field('notes') }} as notes,
        {{ number(field('focus_level')) }} as focus_level,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
