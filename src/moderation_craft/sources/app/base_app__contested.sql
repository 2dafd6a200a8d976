-- Most records have one copy that nobody disputes; those that do not are few, and only they are weighed.
with copies as (
    select
        entity_type,
        user_id,
        id
    from {{ ref('base_dynamodb__items') }}
    where entity_type is not null and user_id is not null and id is not null
    union all
    select
        table_entity,
        user_id,
        id
    from {{ ref('base_indexeddb__rows') }}
    where table_entity is not null and user_id is not null and id is not null
)

select
    entity_type,
    user_id,
    id
from copies
group by entity_type, user_id, id
having count(*) > 1
union
select
    c.entity_type,
    c.user_id,
    c.id
from copies as c
inner join {{ ref('base_indexeddb__pending') }} as p
    on c.user_id = p.user_id and c.id = p.id and c.entity_type = coalesce(p.entity_type, c.entity_type)
