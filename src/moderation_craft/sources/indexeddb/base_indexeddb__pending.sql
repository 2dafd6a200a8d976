-- The sync queue's shape belongs to the app: every known spelling of its fields is read.
with queue as (
    select *
    from {{ ref('base_indexeddb__rows') }}
    where table_entity = 'sync_queue' and is_in_latest_dump
),

named as (
    select
        user_id,
        device_id,
        coalesce(
            {{ field('entity_type') }}, {{ field('table_name') }}, {{ field('table') }},
            {{ field('entity') }}, {{ field('store') }}, {{ field('collection') }}
        ) as entity_name,
        coalesce(
            {{ field('entity_id') }}, {{ field('record_id') }}, {{ field('item_id') }}, {{ field('object_id') }},
            {{ field('target_id') }}, {{ field('key') }}, {{ json_text('payload', 'id') }}, {{ field('id') }}
        ) as id,
        lower(coalesce(
            {{ field('operation') }}, {{ field('action') }}, {{ field('op') }}, {{ field('type') }}, 'update'
        )) as operation,
        dumped_at
    from (
        select
            *,
            case
                when json_valid(coalesce({{ field('payload') }}, {{ field('data') }}, {{ field('item') }}))
                    then coalesce({{ field('payload') }}, {{ field('data') }}, {{ field('item') }})
            end as payload
        from queue
    )
)

select
    user_id,
    device_id,
    {{ entity_type('entity_name') }} as entity_type,
    id,
    max(dumped_at) as dumped_at,
    bool_or(operation in ('delete', 'deleted', 'remove', 'del')) as is_delete
from named
where id is not null
group by all
