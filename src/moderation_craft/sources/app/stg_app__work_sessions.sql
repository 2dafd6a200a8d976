with source as (
    {{ app_records('work_session') }}
),

renamed as (
    select
        user_id,
        id as session_id,
        {{ field('small_task_id') }} as small_task_id,
        {{ field('project_id') }} as project_id,
        {{ instant(field('start_time')) }} as started_at,
        {{ instant(field('end_time')) }} as ended_at,
        round(coalesce(
            {{ number(field('duration_seconds')) }},
            {{ number(field('duration_minutes')) }} * 60,
            {{ seconds_between(instant(field('start_time')), instant(field('end_time'))) }}
        ))::bigint as duration_seconds,
        {{ number(field('focus_level')) }} as focus_level,
        {{ field('mood_notes') }} as mood_notes,
        {{ field('work_notes') }} as work_notes,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
