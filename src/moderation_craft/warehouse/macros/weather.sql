{%- macro daily_value(name) -%}
{{ json_doubles('data', 'daily.' ~ name) }}[day_index]
{%- endmacro -%}

{%- macro json_number(document, path) -%}
{{ number(json_text(document, path)) }}
{%- endmacro -%}

{%- macro json_numbers(document, path) -%}
{{ return(adapter.dispatch('json_numbers', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{#- The numbers that a path with a wildcard finds; what is none is left out. -#}
{%- macro default__json_numbers(document, path) -%}
list_filter(
    list_transform(json_extract_string({{ document }}, '$.{{ path }}'), lambda each: try_cast(each as double)),
    lambda each: each is not null
)
{%- endmacro -%}

{%- macro list_positions(values) -%}
{{ return(adapter.dispatch('list_positions', 'moderation_craft')(values)) }}
{%- endmacro -%}

{#- In a SELECT list: one row an element, its position from 1 on. -#}
{%- macro default__list_positions(values) -%}
unnest(generate_series(1, len({{ values }})))
{%- endmacro -%}

{#- Why the values cannot be the weather of any place on earth: {column: [least, most]}; NULL where they can. -#}
{%- macro weather_refusal(ranges) -%}
case
    {%- for column, bounds in ranges.items() %}
    when {{ column }} < {{ bounds[0] }} or {{ column }} > {{ bounds[1] }}
        then '{{ column }} ' || {{ column }}::varchar || ' is outside {{ bounds[0] }} to {{ bounds[1] }}'
    {%- endfor %}
    {%- if 'temperature_min_celsius' in ranges %}
    when temperature_min_celsius > temperature_max_celsius then 'the lowest temperature is above the highest'
    {%- endif %}
end
{%- endmacro -%}

{%- macro weather_ranges() -%}
{{ return({
    'temperature_mean_celsius': [-90, 70],
    'temperature_min_celsius': [-90, 70],
    'temperature_max_celsius': [-90, 70],
    'precipitation_mm': [0, 5000],
    'humidity_pct': [0, 100],
    'pressure_hpa': [850, 1100],
}) }}
{%- endmacro -%}
