-- What a browser holds now: its newest whole dump, with the last word of the changes after it on each key. A row
-- whose key nobody gave is known by its id, else by its text.
with source as (
    select
        *,
        {{ dexie_value('row_json') }} as value
    from {{ source('raw', 'indexeddb_rows') }}
),

keyed as (
    select
        *,
        coalesce(key_json, {{ dexie_key('row_json', 'value') }}, row_json) as row_key
    from source
),

last_words as (
    select
        user_id,
        device_id,
        table_name,
        row_key,
        max(chain_position) as chain_position,
        max(chain_position) filter (where is_delete) as deleted_position,
        max(dumped_at) filter (where is_delete) as deleted_at
    from keyed
    group by user_id, device_id, table_name, row_key
),

distinct_rows as (
    select
        k.user_id as dump_user_id,
        k.device_id,
        k.table_name,
        k.row_json as record,
        any_value(k.value) as value,
        bool_or(
            coalesce(k.chain_position = w.chain_position and k.chain_position > coalesce(w.deleted_position, -1), false)
        ) as is_in_latest_dump,
        max(k.dumped_at) as dumped_at,
        min(k.dumped_at) as observed_at,
        max(k.last_seen_at) as last_seen_at,
        max(k.gone_at) as gone_at,
        max(w.deleted_at) as deleted_at,
        min(k.part_key) as origin
    from keyed as k
    inner join last_words as w
        on
            k.user_id = w.user_id and k.device_id = w.device_id
            and k.table_name is not distinct from w.table_name and k.row_key is not distinct from w.row_key
    where not k.is_delete
    group by k.user_id, k.device_id, k.table_name, k.row_json
),

read as (
    select
        *,
        {{ entity_type('table_name') }} as table_entity,
        {{ snake_case_keys('spelled_fields') }} as fields
    from (
        select
            *,
            {{ json_map('value') }} as spelled_fields
        from distinct_rows
    )
)

select
    table_entity,
    record,
    dump_user_id,
    device_id,
    coalesce({{ field('user_id') }}, dump_user_id) as user_id,
    -- A profile needs no id of its own.
    coalesce({{ field('id') }}, case when table_entity = 'user' then coalesce({{ field('user_id') }}, dump_user_id) end) as id,
    is_in_latest_dump,
    dumped_at,
    observed_at,
    last_seen_at,
    coalesce(
        case when deleted_at >= last_seen_at then deleted_at end,
        case when gone_at > last_seen_at then gone_at end
    ) as gone_at,
    case when deleted_at >= last_seen_at then 'tombstone' else 'snapshot' end as gone_how,
    origin,
    fields
from read
