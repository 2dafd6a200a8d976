-- Shapes before attributes: a million items have few different shapes, so each item is looked over only once.
with browser_rows as (
    select
        table_entity,
        is_in_latest_dump,
        observed_at,
        last_seen_at,
        {{ dexie_value('record') }} as value
    from {{ ref('base_indexeddb__rows') }}
),

dynamodb_shapes as (
    select
        'dynamodb' as door,
        entity_type,
        is_current as is_present,
        observed_at::date as first_seen,
        last_seen_at::date as last_seen,
        {{ json_names('record') }} as names,
        {{ dynamodb_types('record') }} as types,
        count(*) as items
    from {{ ref('base_dynamodb__items') }}
    group by all
),

browser_shapes as (
    select
        'indexeddb' as door,
        table_entity as entity_type,
        is_in_latest_dump as is_present,
        observed_at::date as first_seen,
        last_seen_at::date as last_seen,
        {{ json_names('value') }} as names,
        {{ json_types('value') }} as types,
        count(*) as items
    from browser_rows
    group by all
),

entities as (
    select
        door,
        coalesce(entity_type, '') as entity_type,
        coalesce(sum(items) filter (where is_present), 0)::bigint as entity_items
    from (
        select
            door,
            entity_type,
            is_present,
            names,
            items
        from dynamodb_shapes
        union all
        select
            door,
            entity_type,
            is_present,
            names,
            items
        from browser_shapes
    ) as shapes
    where names is not null
    group by all
),

held_in_dynamodb as (
    select
        door,
        entity_type,
        is_present,
        first_seen,
        last_seen,
        items,
        {{ unnest_in_step('names', 'types') }}
    from dynamodb_shapes
),

held_in_browsers as (
    select
        door,
        entity_type,
        is_present,
        first_seen,
        last_seen,
        items,
        {{ unnest_in_step('names', 'types') }}
    from browser_shapes
),

attributes as (
    select
        door,
        entity_type,
        is_present,
        first_seen,
        last_seen,
        items,
        attribute,
        {{ dynamodb_type_name('held') }} as type
    from held_in_dynamodb
    union all
    select
        door,
        entity_type,
        is_present,
        first_seen,
        last_seen,
        items,
        attribute,
        {{ json_type_name('held') }} as type
    from held_in_browsers
    where attribute <> '$types'
),

counted as (
    select
        door,
        coalesce(entity_type, '') as entity_type,
        attribute,
        type,
        coalesce(sum(items) filter (where is_present), 0)::bigint as items,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from attributes
    group by all
),

-- What staging reads: of every record what names it, of each entity its own; of the sync queue every spelling it knows.
read_attributes (entity_type, attribute) as (
    values
    {%- for entity in app_entities() %}
    {%- for name in ['PK', 'SK', 'user_time_pk', 'user_time_sk', 'entity_type', 'id', 'user_id', 'created_at', 'updated_at'] %}
    ('{{ entity }}', '{{ name }}'),
    {%- endfor %}
    {%- for name, _, _, _ in app_attributes(entity) %}
    ('{{ entity }}', '{{ name }}'),
    {%- endfor %}
    {%- endfor %}
    ('sync_queue', '*')
)

select
    c.door,
    c.entity_type,
    c.attribute,
    c.type,
    c.items,
    e.entity_items,
    1 - sum(c.items) over same_attribute / nullif(e.entity_items, 0) as missing_share,
    c.first_seen,
    c.last_seen,
    exists(
        select 1
        from read_attributes as r
        where r.entity_type = c.entity_type and r.attribute in (c.attribute, {{ snake_case('c.attribute') }}, '*')
    ) as is_read
from counted as c
inner join entities as e on c.door = e.door and c.entity_type = e.entity_type
window same_attribute as (partition by c.door, c.entity_type, c.attribute)
