{#- Rows of a model with the person's zone at an instant, its wall clock and its civil day: timezone, <name>_local, date. -#}
{%- macro localised(model, instant, local_name) -%}
select
    r.*,
    z.timezone,
    {{ wall_clock('r.' ~ instant, 'z.timezone') }} as {{ local_name }},
    {{ day_of(wall_clock('r.' ~ instant, 'z.timezone')) }} as date
from {{ model }} as r
inner join {{ ref('int_user_zones') }} as z
    on r.user_id = z.user_id and r.{{ instant }} >= z.starts_at and r.{{ instant }} < z.ends_at
{%- endmacro -%}
