with dynamodb as (
    select
        'dynamodb' as source,
        {{ entity_type(field('entity_type')) }} as entity_type,
        {{ field('id') }} as id,
        coalesce(
            {{ field('user_id') }},
            case when starts_with({{ field('PK') }}, 'USER#') then split_part({{ field('PK') }}, '#', 2) end,
            case when {{ entity_type(field('entity_type')) }} = 'user' then {{ field('id') }} end
        ) as user_id,
        fields,
        record,
        is_current,
        null::timestamp as dumped_at,
        origin
    from {{ ref('base_dynamodb__items') }}
),

indexeddb as (
    select
        'indexeddb' as source,
        table_entity as entity_type,
        {{ field('id') }} as id,
        coalesce({{ field('user_id') }}, dump_user_id) as user_id,
        fields,
        record,
        is_in_latest_dump as is_current,
        dumped_at,
        origin
    from {{ ref('base_indexeddb__rows') }}
    where table_entity is distinct from 'sync_queue' and table_entity is distinct from 'category_colors'
),

both_doors as (
    select * from dynamodb
    union all
    select * from indexeddb
),

-- A profile needs no id of its own.
identified as (
    select
        source,
        entity_type,
        case when entity_type = 'user' then coalesce(id, user_id) else id end as id,
        user_id,
        fields,
        record,
        is_current,
        dumped_at,
        origin
    from both_doors
)

select
    source,
    entity_type,
    id,
    user_id,
    fields,
    record,
    is_current,
    dumped_at,
    origin,
    {{ instant(field('updated_at')) }} as updated_at,
    try_cast(regexp_extract(origin, 'dt=([0-9-]{10})', 1) as date) as dt,
    {{ app_refusal() }} as refusal
from identified
