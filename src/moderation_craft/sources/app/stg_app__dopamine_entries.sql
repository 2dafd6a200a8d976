with source as (
    {{ app_records('dopamine_entry') }}
),

renamed as (
    select
        user_id,
        id as dopamine_id,
        timestamp as noted_at,
        event_description,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
