with source as (
    {{ app_records('daily_condition') }}
),

renamed as (
    select
        user_id,
        id as condition_id,
        date,
        sleep_hours,
        steps,
        subjective_mood,
        energy_level,
        notes,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
