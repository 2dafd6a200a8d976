with source as (
    select * from {{ source('raw', 'calendar_events') }}
),

renamed as (
    select distinct
        user_id,
        calendar,
        md5(concat_ws('|', calendar, uid, recurrence_id, starts_at, starts_on)) as event_id,
        starts_at,
        ends_at,
        starts_on,
        ends_on,
        is_all_day,
        is_busy,
        lower(status) as status
    from source
)

select * from renamed
where coalesce(status, 'confirmed') <> 'cancelled'
qualify row_number() over (
    partition by user_id, event_id order by ends_at desc nulls last, ends_on desc nulls last, is_busy desc, is_all_day asc
) = 1
