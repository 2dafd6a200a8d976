-- What cannot be any record: whose it is, what it is, or which one is not said.
with both_doors as (
    select
        'dynamodb' as source,
        i.entity_type,
        i.user_id,
        i.id,
        i.record,
        p.part_key as origin
    from {{ ref('base_dynamodb__items') }} as i
    left join {{ source('raw', 'parts') }} as p on i.part_number = p.part_number
    where i.entity_type is null or i.user_id is null or i.id is null
    union all
    select
        'indexeddb' as source,
        table_entity,
        user_id,
        id,
        record,
        origin
    from {{ ref('base_indexeddb__rows') }}
    where
        table_entity is null
        or (table_entity not in ('sync_queue', 'category_colors') and (user_id is null or id is null))
)

select
    source,
    record,
    origin,
    case
        when not {{ is_json_object('record') }} then 'it is not a JSON object'
        when entity_type is null then 'it has no entity_type'
        when id is null then 'it has no id'
        else 'it has no user_id'
    end as refusal
from both_doors
