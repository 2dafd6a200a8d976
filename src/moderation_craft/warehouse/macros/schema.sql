{#- What an object is made of, one level deep; dispatched, so that another engine changes this file only. -#}

{%- macro json_names(document) -%}
{{ return(adapter.dispatch('json_names', 'moderation_craft')(document)) }}
{%- endmacro -%}

{#- The names at the top of a JSON object, in its order; NULL where the text is no JSON. -#}
{%- macro default__json_names(document) -%}
json_keys(case when json_valid({{ document }}) then {{ document }} end)
{%- endmacro -%}

{%- macro dynamodb_types(item) -%}
{{ return(adapter.dispatch('dynamodb_types', 'moderation_craft')(item)) }}
{%- endmacro -%}

{#- For each of `json_names`, in the same order, what `dynamodb_type_name` reads the type from. -#}
{%- macro default__dynamodb_types(item) -%}
json_keys(case when json_valid({{ item }}) then {{ item }} end, '$.*')
{%- endmacro -%}

{%- macro dynamodb_type_name(held) -%}
{{ return(adapter.dispatch('dynamodb_type_name', 'moderation_craft')(held)) }}
{%- endmacro -%}

{#- S, N, BOOL, NULL, M, L, SS, NS, BS or B; `?` where it is none of DynamoDB's. -#}
{%- macro default__dynamodb_type_name(held) -%}
coalesce({{ held }}[1], '?')
{%- endmacro -%}

{%- macro json_types(document) -%}
{{ return(adapter.dispatch('json_types', 'moderation_craft')(document)) }}
{%- endmacro -%}

{#- For each of `json_names`, in the same order, what `json_type_name` reads the type from. -#}
{%- macro default__json_types(document) -%}
json_type(case when json_valid({{ document }}) then {{ document }} end, '$.*')
{%- endmacro -%}

{%- macro json_type_name(held) -%}
{{ return(adapter.dispatch('json_type_name', 'moderation_craft')(held)) }}
{%- endmacro -%}

{#- string, number, boolean, null, array or object. -#}
{%- macro default__json_type_name(held) -%}
case {{ held }}
    when 'VARCHAR' then 'string'
    when 'BOOLEAN' then 'boolean'
    when 'NULL' then 'null'
    when 'ARRAY' then 'array'
    when 'OBJECT' then 'object'
    else 'number'
end
{%- endmacro -%}

{%- macro unnest_in_step(names, types) -%}
{{ return(adapter.dispatch('unnest_in_step', 'moderation_craft')(names, types)) }}
{%- endmacro -%}

{#- In a SELECT list: one row for each place of two lists of one length, as `attribute` and `held`. -#}
{%- macro default__unnest_in_step(names, types) -%}
unnest({{ names }}) as attribute,
unnest({{ types }}) as held
{%- endmacro -%}
