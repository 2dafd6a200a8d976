-- What comes in by either door is accepted or in quarantine, whole and once; queues, colours and entity types that
-- no model reads are no records.
with records_in as (
    select
        entity_type,
        user_id,
        id
    from {{ ref('base_dynamodb__items') }}
    union all
    select
        table_entity,
        user_id,
        id
    from {{ ref('base_indexeddb__rows') }}
    where table_entity is distinct from 'sync_queue' and table_entity is distinct from 'category_colors'
),

counted as (
    select
        (
            select count(*)
            from records_in
            where
                entity_type is null or user_id is null or id is null
                or entity_type in ({{ "'" ~ app_entities() | join("', '") ~ "'" }})
        ) as records_in,
        (
            select count(*)
            from (
                {%- for name, _ in app_entities().values() %}
                select user_id
                from {{ ref('base_app__' ~ name) }}
                where refusal is null
                {{ 'union all' if not loop.last }}
                {%- endfor %}
            )
        ) as accepted,
        (
            select count(*)
            from {{ ref('quarantined_records') }}
            where source in ('dynamodb', 'indexeddb')
        ) as refused
)

select * from counted
where records_in <> accepted + refused
