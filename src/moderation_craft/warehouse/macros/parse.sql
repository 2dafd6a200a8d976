{#- Text that people and devices wrote, as typed values; NULL where it cannot be read. One place per engine. -#}

{%- macro blank_to_null(expression) -%}
nullif(trim({{ expression }}), '')
{%- endmacro -%}

{%- macro instant(expression) -%}
{{ return(adapter.dispatch('instant', 'moderation_craft')(expression)) }}
{%- endmacro -%}

{#- ISO 8601 (no zone reads as UTC) or epoch seconds or milliseconds → UTC TIMESTAMP, from 1990 to 2099. -#}
{%- macro default__instant(expression) -%}
case
    when regexp_full_match({{ expression }}, '[0-9]{13}([.]0+)?') then epoch_ms(left({{ expression }}, 13)::bigint)
    when regexp_full_match({{ expression }}, '[0-9]{10}([.]0+)?') then epoch_ms(left({{ expression }}, 10)::bigint * 1000)
    when regexp_matches({{ expression }}, '^(199|20[0-9])[0-9]-[0-9]{2}-[0-9]{2}')
        then try_cast({{ expression }} as timestamptz) at time zone 'UTC'
end
{%- endmacro -%}

{%- macro civil_date(expression) -%}
{{ return(adapter.dispatch('civil_date', 'moderation_craft')(expression)) }}
{%- endmacro -%}

{#- A calendar date, 1990 to 2099; an epoch (a browser's Date at local midnight) is read in the default zone. -#}
{%- macro default__civil_date(expression) -%}
case
    when regexp_full_match({{ expression }}, '[0-9]{13}([.]0+)?')
        then {{ wall_clock('epoch_ms(left(' ~ expression ~ ', 13)::bigint)', "'" ~ var('default_timezone') ~ "'") }}::date
    when regexp_matches({{ expression }}, '^(199|20[0-9])[0-9]-[0-9]{2}-[0-9]{2}')
        then try_cast(left({{ expression }}, 10) as date)
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
