{#- JSON as the engine reads it; dispatched, so that another engine changes this file only. -#}

{%- macro json_text(document, path) -%}
{{ return(adapter.dispatch('json_text', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{%- macro default__json_text(document, path) -%}
json_extract_string({{ document }}, '$.{{ path }}')
{%- endmacro -%}

{%- macro json_each(document, path) -%}
{{ return(adapter.dispatch('json_each', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{#- In a SELECT list: one row for each element of an array, as JSON. -#}
{%- macro default__json_each(document, path) -%}
unnest(json_extract({{ document }}, '$.{{ path }}[*]'))
{%- endmacro -%}

{%- macro json_doubles(document, path) -%}
{{ return(adapter.dispatch('json_doubles', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{#- An array of numbers; NULL elements stay. -#}
{%- macro default__json_doubles(document, path) -%}
json_transform(json_extract({{ document }}, '$.{{ path }}'), '["DOUBLE"]')
{%- endmacro -%}

{%- macro dynamodb_fields(item) -%}
{{ return(adapter.dispatch('dynamodb_fields', 'moderation_craft')(item)) }}
{%- endmacro -%}

{#- DynamoDB JSON → MAP(name → text) of its scalar attributes, whatever type each item gives them. -#}
{%- macro default__dynamodb_fields(item) -%}
map_from_entries(
    list_filter(
        list_transform(
            map_entries(
                json_transform(
                    case when json_valid({{ item }}) then {{ item }} end,
                    '"MAP(VARCHAR, STRUCT(S VARCHAR, N VARCHAR, BOOL VARCHAR))"'
                )
            ),
            lambda entry: struct_pack(
                k := entry.key, v := coalesce(entry.value.S, entry.value.N, entry.value.BOOL)
            )
        ),
        lambda entry: entry.v is not null
    )
)
{%- endmacro -%}

{%- macro dexie_value(row_json) -%}
{{ return(adapter.dispatch('dexie_value', 'moderation_craft')(row_json)) }}
{%- endmacro -%}

{#- A Dexie row's object: Typeson's `$` wrapper and the `[key, value]` of outbound tables taken off. -#}
{%- macro default__dexie_value(row_json) -%}
case
    when not json_valid({{ row_json }}) then null
    when json_type(coalesce({{ row_json }} -> '$."$"', {{ row_json }}::json)) = 'ARRAY'
        then coalesce({{ row_json }} -> '$."$"', {{ row_json }}::json) -> '$[1]'
    else coalesce({{ row_json }} -> '$."$"', {{ row_json }}::json)
end
{%- endmacro -%}

{%- macro json_map(document) -%}
{{ return(adapter.dispatch('json_map', 'moderation_craft')(document)) }}
{%- endmacro -%}

{#- A JSON object → MAP(name → text); anything else is NULL. -#}
{%- macro default__json_map(document) -%}
json_transform({{ document }}, '"MAP(VARCHAR, VARCHAR)"')
{%- endmacro -%}

{%- macro snake_case_keys(fields) -%}
{{ return(adapter.dispatch('snake_case_keys', 'moderation_craft')(fields)) }}
{%- endmacro -%}

{#- A map with its keys in snake_case; where two spellings meet, the snake_case one stays. NULLs go. -#}
{%- macro default__snake_case_keys(fields) -%}
map_from_entries(
    list_filter(
        list_transform(
            list_distinct(list_transform(map_keys({{ fields }}), lambda key: {{ snake_case('key') }})),
            lambda name: struct_pack(
                k := name,
                v := coalesce(
                    {{ fields }}[name],
                    list_filter(map_entries({{ fields }}), lambda entry: {{ snake_case('entry.key') }} = name)[1].value
                )
            )
        ),
        lambda entry: entry.v is not null
    )
)
{%- endmacro -%}

{%- macro snake_case(expression) -%}
lower(regexp_replace({{ expression }}, '([a-z0-9])([A-Z])', '\1_\2', 'g'))
{%- endmacro -%}

{%- macro field(name, fields='fields') -%}
{{ return(adapter.dispatch('field', 'moderation_craft')(name, fields)) }}
{%- endmacro -%}

{#- One scalar of a record, as text; blank is NULL. -#}
{%- macro default__field(name, fields) -%}
nullif(trim({{ fields }}['{{ name }}']), '')
{%- endmacro -%}
