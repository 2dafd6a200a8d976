with source as (
    select
        item,
        in_latest_snapshot,
        part_key
    from {{ source('raw', 'dynamodb_items') }}
),

distinct_items as (
    select
        item as record,
        bool_or(in_latest_snapshot) as is_current,
        min(part_key) as origin
    from source
    group by item
)

select
    record,
    is_current,
    origin,
    {{ dynamodb_fields('record') }} as fields
from distinct_items
