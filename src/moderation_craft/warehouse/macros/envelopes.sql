{#- What was said last about each person's day of one outside stream: newest fetch wins. -#}
{%- macro latest_envelopes(source_name, stream) -%}
select
    user_id,
    date,
    data,
    metadata,
    part_key
from {{ source(source_name, stream) }}
where user_id is not null and date between date '1990-01-01' and date '2099-12-31' and json_valid(data)
qualify row_number() over (partition by user_id, date order by fetched_at desc, part_key desc, data desc) = 1
{%- endmacro -%}
