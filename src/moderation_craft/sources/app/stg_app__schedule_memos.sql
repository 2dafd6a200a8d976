with source as (
    {{ app_records('schedule_memo') }}
),

renamed as (
    select
        user_id,
        id as memo_id,
        {{ civil_date(field('week_start_date')) }} as week_start_date,
        {{ field('content') }} as content,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
