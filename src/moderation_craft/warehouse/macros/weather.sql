{%- macro daily_value(name) -%}
{{ json_doubles('data', 'daily.' ~ name) }}[day_index]
{%- endmacro -%}
