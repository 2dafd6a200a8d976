-- What comes in by either door is accepted or in quarantine, whole and once; queues and colours are no records.
with counted as (
    select
        (select count(*) from {{ ref('base_dynamodb__items') }}) as items_in,
        (
            select count(*)
            from {{ ref('base_indexeddb__rows') }}
            where table_entity is distinct from 'sync_queue' and table_entity is distinct from 'category_colors'
        ) as rows_in,
        (
            select count(*)
            from {{ ref('base_app__record_versions') }}
            where refusal is null
        ) as accepted,
        (
            select count(*)
            from {{ ref('quarantined_records') }}
            where source in ('dynamodb', 'indexeddb')
        ) as refused
)

select * from counted
where items_in + rows_in <> accepted + refused
