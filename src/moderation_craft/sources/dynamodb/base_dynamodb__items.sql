-- What exists now: the newest full snapshot, with the last word of the changes after it on each key they speak of.
-- A key that no change speaks of needs no comparing; there are few others.
with told as (
    select
        table_name,
        pk,
        sk,
        chain_position,
        is_delete,
        deleted_at
    from {{ source('raw', 'dynamodb_changes') }}
),

-- A snapshot holds a key once: what no change and no other snapshot speaks of cannot stand twice, and grouping it
-- would cost a third of this model.
alone as (
    select
        i.table_name,
        i.item as record,
        i.pk,
        i.sk,
        {{ blank_to_null('i.entity_type') }} as entity_name,
        {{ blank_to_null('i.user_id') }} as named_user_id,
        {{ blank_to_null('i.id') }} as named_id,
        case when not i.is_delete then i.chain_position end as chain_position,
        i.observed_at,
        i.last_seen_at,
        i.gone_at,
        i.part_number
    from {{ source('raw', 'dynamodb_items') }} as i
    left join told as c on i.table_name = c.table_name and i.pk = c.pk and i.sk = c.sk
    where i.item is not null and not i.may_repeat and c.table_name is null
),

repeated as (
    select i.*
    from {{ source('raw', 'dynamodb_items') }} as i
    where i.item is not null and i.may_repeat
    union all
    select i.*
    from {{ source('raw', 'dynamodb_items') }} as i
    inner join told as c on i.table_name = c.table_name and i.pk = c.pk and i.sk = c.sk
    where i.item is not null and not i.may_repeat
),

-- The keys are the item's own: grouping by them too costs less than picking one of each.
distinct_items as (
    select * from alone
    union all
    select
        table_name,
        item as record,
        pk,
        sk,
        {{ blank_to_null('entity_type') }} as entity_name,
        {{ blank_to_null('user_id') }} as named_user_id,
        {{ blank_to_null('id') }} as named_id,
        max(chain_position) filter (where not is_delete) as chain_position,
        min(observed_at) as observed_at,
        max(last_seen_at) as last_seen_at,
        max(gone_at) as gone_at,
        min(part_number) as part_number
    from repeated
    group by table_name, item, pk, sk, entity_type, user_id, id
),

identified as (
    select
        *,
        {{ entity_type('entity_name') }} as entity_type,
        coalesce(named_user_id, case when starts_with(pk, 'USER#') then {{ blank_to_null("split_part(pk, '#', 2)") }} end) as owner_id
    from distinct_items
)

select
    i.table_name,
    i.entity_type,
    -- A profile needs no id of its own.
    coalesce(i.owner_id, case when i.entity_type = 'user' then i.named_id end) as user_id,
    coalesce(i.named_id, case when i.entity_type = 'user' then i.owner_id end) as id,
    i.chain_position is not null
    and (c.chain_position is null or (c.chain_position = i.chain_position and not c.is_delete)) as is_current,
    i.observed_at,
    i.last_seen_at,
    coalesce(
        case when c.deleted_at >= i.last_seen_at then c.deleted_at end,
        case when i.gone_at > i.last_seen_at then i.gone_at end
    ) as gone_at,
    case when c.deleted_at >= i.last_seen_at then 'tombstone' else 'snapshot' end as gone_how,
    i.part_number,
    i.record
from identified as i
left join told as c
    on i.table_name = c.table_name and i.pk = c.pk and i.sk = c.sk
