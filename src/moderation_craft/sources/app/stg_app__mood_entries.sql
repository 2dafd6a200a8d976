with source as (
    {{ app_records('mood_entry') }}
),

renamed as (
    select
        user_id,
        id as mood_id,
        timestamp as noted_at,
        mood_level,
        notes,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
