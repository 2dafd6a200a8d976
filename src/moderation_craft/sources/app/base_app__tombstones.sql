with
{%- for entity, (name, id) in app_entities().items() %}
deleted_{{ name }} as (
    select
        '{{ entity }}' as entity_type,
        s.user_id,
        s.{{ id }} as id,
        max(v.last_seen_at) as last_seen_at,
        max(v.gone_at) as gone_at,
        arg_max(v.gone_how, v.gone_at) as gone_how
    from {{ ref('stg_app__' ~ name) }} as s
    inner join {{ ref('base_app__' ~ name) }} as v on s.user_id = v.user_id and s.{{ id }} = v.id
    where s.is_deleted
    group by all
),
{% endfor %}
deleted as (
    {%- for name, _ in app_entities().values() %}
    select * from deleted_{{ name }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

waiting as (
    select
        user_id,
        entity_type,
        id,
        max(dumped_at) as dumped_at
    from {{ ref('base_indexeddb__pending') }}
    where is_delete
    group by all
)

select
    d.entity_type,
    d.user_id,
    d.id,
    d.last_seen_at,
    coalesce(d.gone_at, w.dumped_at) as deleted_by,
    case when d.gone_at is null and w.id is not null then 'sync_queue' else d.gone_how end as how
from deleted as d
left join waiting as w
    on d.user_id = w.user_id and d.id = w.id and d.entity_type = coalesce(w.entity_type, d.entity_type)
