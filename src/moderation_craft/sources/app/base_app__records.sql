-- DynamoDB's newest full snapshot says what exists. A browser's row counts as newer while it waits in the
-- sync queue of that browser's newest dump, unless DynamoDB's copy was written after the dump was made.
with versions as (
    select *
    from {{ ref('base_app__record_versions') }}
    where entity_type is not null and id is not null and user_id is not null
),

with_pending as (
    select
        v.*,
        p.id is not null and v.source = 'indexeddb' and v.is_current as is_pending,
        coalesce(p.is_delete and coalesce(v.updated_at <= p.dumped_at, true), false) as is_pending_delete,
        bool_or(v.source = 'dynamodb') over same_record as is_known_to_dynamodb,
        bool_or(v.source = 'dynamodb' and v.is_current) over same_record as is_in_dynamodb
    from versions as v
    left join {{ ref('base_indexeddb__pending') }} as p
        on v.user_id = p.user_id and v.id = p.id and v.entity_type = coalesce(p.entity_type, v.entity_type)
    window same_record as (partition by v.entity_type, v.user_id, v.id)
),

judged as (
    select
        *,
        case
            when source = 'dynamodb' then is_current
            else is_current and (is_pending or is_in_dynamodb or not is_known_to_dynamodb)
        end as is_live,
        case when is_pending then greatest(updated_at, dumped_at) else updated_at end as counts_from
    from with_pending
),

flagged as (
    select
        *,
        not bool_or(is_live) over (partition by entity_type, user_id, id) as is_gone
    from judged
)

select
    entity_type,
    user_id,
    id,
    source,
    fields,
    record,
    updated_at,
    {{ instant(field('created_at')) }} as created_at,
    is_gone or is_pending_delete as is_deleted
from flagged
where refusal is null
qualify
    row_number() over (
        partition by entity_type, user_id, id
        order by
            is_live desc, counts_from desc nulls last, is_pending desc, updated_at desc nulls last, source asc, record asc
    ) = 1
