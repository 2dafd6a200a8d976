with source as (
    {{ app_records('small_task') }}
),

renamed as (
    select
        user_id,
        id as small_task_id,
        {{ field('big_task_id') }} as big_task_id,
        {{ field('project_id') }} as project_id,
        {{ field('name') }} as name,
        {{ number(field('estimated_minutes')) }} as estimated_minutes,
        {{ number(field('actual_minutes')) }} as actual_minutes,
        {{ instant(field('scheduled_start')) }} as scheduled_start_at,
        {{ instant(field('scheduled_end')) }} as scheduled_end_at,
        coalesce({{ field('status') }}, 'pending') as status,
        {{ instant(field('completed_at')) }} as completed_at,
        {{ field('task_type') }} as task_type,
        {{ field('kanban_column') }} as kanban_column,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
