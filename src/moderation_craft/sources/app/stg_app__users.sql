with source as (
    {{ app_records('user') }}
),

-- A person has one profile; should two stand under one user_id, the newest counts.
latest as (
    select *
    from source
    qualify row_number() over (
        partition by user_id order by is_deleted asc, updated_at desc nulls last, id asc
    ) = 1
),

renamed as (
    select
        user_id,
        name,
        email,
        {{ known_timezone('timezone') }} as timezone,
        coalesce({{ json_part('preferences', 'places.L') }}, {{ json_part('preferences', 'places') }}) as places,
        created_at,
        updated_at,
        is_deleted
    from latest
)

select * from renamed
