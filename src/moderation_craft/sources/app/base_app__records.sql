{%- for entity, (name, id) in app_entities().items() %}
select
    '{{ entity }}' as entity_type,
    user_id,
    {{ id }} as id,
    updated_at,
    is_deleted
from {{ ref('stg_app__' ~ name) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
