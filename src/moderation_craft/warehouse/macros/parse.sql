{#- Text that people and devices wrote, as typed values; NULL where it cannot be read. One place per engine. -#}

{%- macro blank_to_null(expression) -%}
{{ return(adapter.dispatch('blank_to_null', 'moderation_craft')(expression)) }}
{%- endmacro -%}

{#- The text without spaces around it; blank is NULL. Most text has none, and looking (a space sorts before '!') is
    several times faster than trimming. -#}
{%- macro default__blank_to_null(expression) -%}
case
    when {{ expression }} < '!' or suffix({{ expression }}, ' ') then nullif(trim({{ expression }}), '')
    else {{ expression }}
end
{%- endmacro -%}

{%- macro instant(expression) -%}
{{ return(adapter.dispatch('instant', 'moderation_craft')(expression)) }}
{%- endmacro -%}

{#- ISO 8601 (no zone reads as UTC) or epoch seconds or milliseconds → UTC TIMESTAMP, from 1990 to 2099. -#}
{%- macro default__instant(expression) -%}
case
    when {{ expression }} >= '1990' and {{ expression }} < '2100' and {{ expression }} like '____-__-__%'
        then make_timestamp(epoch_us(try_cast({{ expression }} as timestamptz)))
    when regexp_full_match({{ expression }}, '[0-9]{13}([.]0+)?') then epoch_ms(left({{ expression }}, 13)::bigint)
    when regexp_full_match({{ expression }}, '[0-9]{10}([.]0+)?') then epoch_ms(left({{ expression }}, 10)::bigint * 1000)
end
{%- endmacro -%}

{%- macro civil_date(expression) -%}
{{ return(adapter.dispatch('civil_date', 'moderation_craft')(expression)) }}
{%- endmacro -%}

{#- A calendar date, 1990 to 2099; an epoch (a browser's Date at local midnight) is read in the default zone. -#}
{%- macro default__civil_date(expression) -%}
case
    when {{ expression }} >= '1990' and {{ expression }} < '2100' and {{ expression }} like '____-__-__%'
        then try_cast(left({{ expression }}, 10) as date)
    when regexp_full_match({{ expression }}, '[0-9]{13}([.]0+)?')
        then {{ wall_clock('epoch_ms(left(' ~ expression ~ ', 13)::bigint)', "'" ~ var('default_timezone') ~ "'") }}::date
end
{%- endmacro -%}

{#- A finite DOUBLE. -#}
{%- macro number(expression) -%}
case when isfinite(try_cast({{ expression }} as double)) then try_cast({{ expression }} as double) end
{%- endmacro -%}

{%- macro known_timezone(expression) -%}
{{ return(adapter.dispatch('known_timezone', 'moderation_craft')(expression)) }}
{%- endmacro -%}

{#- The name where the engine knows the zone, else NULL. -#}
{%- macro default__known_timezone(expression) -%}
case when {{ expression }} in (select z.name from pg_timezone_names() as z) then {{ expression }} end
{%- endmacro -%}

{%- macro row_hash(columns) -%}
{{ return(adapter.dispatch('row_hash', 'moderation_craft')(columns)) }}
{%- endmacro -%}

{#- A number that equal rows share (NULL equals NULL) and others seldom do: to leave most rows out before comparing. -#}
{%- macro default__row_hash(columns) -%}
hash({{ columns | join(', ') }})
{%- endmacro -%}
