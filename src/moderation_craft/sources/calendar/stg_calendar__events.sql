with source as (
    select * from {{ source('raw', 'calendar_events') }}
),

renamed as (
    select distinct
        user_id,
        way_in,
        calendar,
        md5(concat_ws('|', way_in, calendar, uid, recurrence_id)) as event_id,
        md5(concat_ws('|', uid, recurrence_id)) as occurrence_id,
        starts_at,
        ends_at,
        starts_on,
        ends_on,
        is_all_day,
        is_busy,
        is_declined,
        lower(status) = 'cancelled' as is_cancelled,
        lower(status) as status,
        title
    from source
)

select * from renamed
qualify row_number() over (
    partition by user_id, event_id
    order by
        is_cancelled asc, ends_at desc nulls last, ends_on desc nulls last, is_busy desc, is_all_day asc,
        starts_at asc, starts_on asc, title asc
) = 1
