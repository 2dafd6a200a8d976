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
),

-- A hash leaves most out before ids are compared.
repeated as (
    select {{ row_hash(['entity_type', 'user_id', 'id']) }} as record_hash
    from copies
    group by record_hash
    having count(*) > 1
)

select
    c.entity_type,
    c.user_id,
    c.id
from copies as c
inner join repeated as r on {{ row_hash(['c.entity_type', 'c.user_id', 'c.id']) }} = r.record_hash
group by c.entity_type, c.user_id, c.id
having count(*) > 1
union
select
    c.entity_type,
    c.user_id,
    c.id
from copies as c
inner join {{ ref('base_indexeddb__pending') }} as p
    on c.user_id = p.user_id and c.id = p.id and c.entity_type = coalesce(p.entity_type, c.entity_type)
