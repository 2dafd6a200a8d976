with source as (
    {{ app_records('dopamine_entry') }}
),

renamed as (
    select
        user_id,
        id as dopamine_id,
        {{ instant(field('timestamp')) }} as noted_at,
        {{ field('event_description') }} as event_description,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
