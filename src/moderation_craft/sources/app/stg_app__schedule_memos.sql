with source as (
    {{ app_records('schedule_memo') }}
),

renamed as (
    select
        user_id,
        id as memo_id,
        week_start_date,
        content,
        created_at,
        updated_at,
        is_deleted
    from source
)

select * from renamed
