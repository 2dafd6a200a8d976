{#- JSON as the engine reads it; dispatched, so that another engine changes this file only. -#}

{%- macro json_text(document, path) -%}
{{ return(adapter.dispatch('json_text', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{%- macro default__json_text(document, path) -%}
json_extract_string({{ document }}, '$.{{ path }}')
{%- endmacro -%}

{%- macro json_part(document, path) -%}
{{ return(adapter.dispatch('json_part', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{#- A part of a document, as JSON; NULL where the text is none. -#}
{%- macro default__json_part(document, path) -%}
json_extract(case when json_valid({{ document }}) then {{ document }} end, '$.{{ path }}')
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

{%- macro dynamodb_struct(item, attributes) -%}
{{ return(adapter.dispatch('dynamodb_struct', 'moderation_craft')(item, attributes)) }}
{%- endmacro -%}

{#- DynamoDB JSON → the named attributes in one parse, whatever type each item gives them; NULL where it is no JSON. -#}
{%- macro default__dynamodb_struct(item, attributes) -%}
{%- set shapes = {'json': '{"S":"VARCHAR","M":"JSON"}'} -%}
{%- set named = [] -%}
{%- for name, kind, _, _ in attributes -%}
    {%- do named.append('"' ~ name ~ '":' ~ shapes.get(kind, '{"S":"VARCHAR","N":"VARCHAR","BOOL":"VARCHAR"}')) -%}
{%- endfor -%}
try(from_json({{ item }}, '{{ '{' ~ named | join(',') ~ '}' }}'))
{%- endmacro -%}

{%- macro dynamodb_attribute(struct, name, kind) -%}
{{ return(adapter.dispatch('dynamodb_attribute', 'moderation_craft')(struct, name, kind)) }}
{%- endmacro -%}

{#- One attribute of a `dynamodb_struct` as text. -#}
{%- macro default__dynamodb_attribute(struct, name, kind) -%}
{%- set types = {'json': ['M', 'S']}.get(kind, ['S', 'N', 'BOOL']) -%}
coalesce({% for type in types %}{{ struct }}['{{ name }}']['{{ type }}']::varchar{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro -%}

{%- macro is_json_object(text) -%}
{{ return(adapter.dispatch('is_json_object', 'moderation_craft')(text)) }}
{%- endmacro -%}

{%- macro default__is_json_object(text) -%}
coalesce(json_type(case when json_valid({{ text }}) then {{ text }} end) = 'OBJECT', false)
{%- endmacro -%}

{%- macro dexie_value(row_json) -%}
{{ return(adapter.dispatch('dexie_value', 'moderation_craft')(row_json)) }}
{%- endmacro -%}

{#- A Dexie row's object: Typeson's `$` wrapper and the `[key, value]` of outbound tables taken off. -#}
{%- macro default__dexie_value(row_json) -%}
case
    when not json_valid({{ row_json }}) then null
    when json_type({{ dexie_unwrapped(row_json) }}) = 'ARRAY' then {{ dexie_unwrapped(row_json) }} -> '$[1]'
    else {{ dexie_unwrapped(row_json) }}
end
{%- endmacro -%}

{#- Only a row that says so in `$types` is wrapped: an app's own row may hold a member `$`. -#}
{%- macro dexie_unwrapped(row_json) -%}
(
    case
        when json_type({{ row_json }} -> '$."$types"') = 'BOOLEAN'
            or json_type({{ row_json }} -> '$."$types"."$"') = 'OBJECT'
            then {{ row_json }} -> '$."$"'
        else {{ row_json }}::json
    end
)
{%- endmacro -%}

{%- macro dexie_key(row_json, value) -%}
{{ return(adapter.dispatch('dexie_key', 'moderation_craft')(row_json, value)) }}
{%- endmacro -%}

{#- A Dexie row's key as JSON: the first of an outbound table's `[key, value]`, else the object's id. -#}
{%- macro default__dexie_key(row_json, value) -%}
coalesce(
    case
        when json_valid({{ row_json }}) and json_type({{ dexie_unwrapped(row_json) }}) = 'ARRAY'
            then {{ dexie_unwrapped(row_json) }} -> '$[0]'
    end,
    {{ value }} -> '$.id'
)::varchar
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

{#- One scalar of a browser's row, as text; blank is NULL. -#}
{%- macro default__field(name, fields) -%}
nullif(trim({{ fields }}['{{ name }}']), '')
{%- endmacro -%}

{%- macro json_rows(document) -%}
{{ return(adapter.dispatch('json_rows', 'moderation_craft')(document)) }}
{%- endmacro -%}

{#- How many records an answer holds: the elements of an array, of an object's arrays where it has any, none of `{}`
    and of what is no JSON, else one. -#}
{%- macro default__json_rows(document) -%}
case
    when not json_valid({{ document }}) then 0
    when json_type({{ document }}) = 'ARRAY' then json_array_length({{ document }})
    when list_contains(json_type({{ document }}, '$.*'), 'ARRAY')
        then list_sum(json_array_length({{ document }}, '$.*'))
    when {{ document }} in ('{}', 'null') then 0
    else 1
end::bigint
{%- endmacro -%}


{%- macro text_list(document, path) -%}
{{ return(adapter.dispatch('text_list', 'moderation_craft')(document, path)) }}
{%- endmacro -%}

{#- An array of texts as one text, in alphabetical order, a comma and a space between; NULL where there is none. -#}
{%- macro default__text_list(document, path) -%}
nullif(array_to_string(list_sort(json_extract_string({{ document }}, '$.{{ path }}[*]')), ', '), '')
{%- endmacro -%}
