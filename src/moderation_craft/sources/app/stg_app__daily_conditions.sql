with source as (
    {{ app_records('daily_condition') }}
),

renamed as (
    select
        user_id,
        id as condition_id,
        {{ civil_date(field('date')) }} as date,
        {{ number(field('sleep_hours')) }} as sleep_hours,
        {{ number(field('steps')) }} as steps,
        {{ field('subjective_mood') }} as subjective_mood,
        {{ number(field('energy_level')) }} as energy_level,
        {{ field('notes') }} as notes,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
