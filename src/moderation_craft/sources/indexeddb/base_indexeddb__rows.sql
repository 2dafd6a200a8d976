with source as (
    select
        table_name,
        row_json,
        user_id,
        dumped_at,
        in_latest_dump,
        part_key
    from {{ source('raw', 'indexeddb_rows') }}
),

distinct_rows as (
    select
        table_name,
        row_json as record,
        user_id as dump_user_id,
        max(dumped_at) as dumped_at,
        bool_or(in_latest_dump) as is_in_latest_dump,
        min(part_key) as origin
    from source
    group by table_name, row_json, user_id
),

unwrapped as (
    select
        *,
        {{ json_map(dexie_value('record')) }} as spelled_fields
    from distinct_rows
)

select
    {{ entity_type('table_name') }} as table_entity,
    record,
    dump_user_id,
    dumped_at,
    is_in_latest_dump,
    origin,
    {{ snake_case_keys('spelled_fields') }} as fields
from unwrapped
