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
        {{ field('name') }} as name,
        {{ field('email') }} as email,
        {{ known_timezone(field('timezone')) }} as timezone,
        case
            when source = 'dynamodb' then json_extract(record, '$.preferences.M.places.L')
            when json_valid(fields['preferences']) then json_extract(fields['preferences'], '$.places')
        end as places,
        created_at,
        updated_at,
        is_deleted
    from latest
)

select * from renamed
