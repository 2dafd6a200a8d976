with source as (
    {{ app_records('mood_entry') }}
),

renamed as (
    select
        user_id,
        id as mood_id,
        {{ instant(field('timestamp')) }} as noted_at,
        {{ number(field('mood_level')) }} as mood_level,
        {{ field('notes') }} as notes,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
