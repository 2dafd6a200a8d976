{#- Instants, wall clocks and civil days; the only place that converts between them. -#}

{%- macro wall_clock(instant, timezone) -%}
{{ return(adapter.dispatch('wall_clock', 'moderation_craft')(instant, timezone)) }}
{%- endmacro -%}

{#- UTC TIMESTAMP → what a clock on the wall shows in a zone. -#}
{%- macro default__wall_clock(instant, timezone) -%}
timezone({{ timezone }}, timezone('UTC', {{ instant }}))
{%- endmacro -%}

{%- macro from_wall_clock(local, timezone) -%}
{{ return(adapter.dispatch('from_wall_clock', 'moderation_craft')(local, timezone)) }}
{%- endmacro -%}

{#- What a clock on the wall shows in a zone → UTC TIMESTAMP. -#}
{%- macro default__from_wall_clock(local, timezone) -%}
timezone('UTC', timezone({{ timezone }}, {{ local }}))
{%- endmacro -%}

{#- The civil day of a wall clock, turning at the hour that the settings give. -#}
{%- macro day_of(local) -%}
({{ local }} - interval '{{ var("day_turns_at_hour") | int }} hours')::date
{%- endmacro -%}

{#- The UTC instant at which a civil day starts in a zone. -#}
{%- macro day_starts_at(day, timezone) -%}
{{ from_wall_clock('(' ~ day ~ "::timestamp + interval '" ~ (var('day_turns_at_hour') | int) ~ " hours')", timezone) }}
{%- endmacro -%}

{%- macro seconds_between(start, end) -%}
{{ return(adapter.dispatch('seconds_between', 'moderation_craft')(start, end)) }}
{%- endmacro -%}

{#- Whole seconds from one UTC TIMESTAMP to another. -#}
{%- macro default__seconds_between(start, end) -%}
date_diff('second', {{ start }}, {{ end }})
{%- endmacro -%}

{%- macro days_between(first, last) -%}
{{ return(adapter.dispatch('days_between', 'moderation_craft')(first, last)) }}
{%- endmacro -%}

{#- In a SELECT list: one row a day, both ends included. -#}
{%- macro default__days_between(first, last) -%}
unnest(generate_series({{ first }}::timestamp, {{ last }}::timestamp, interval '1 day'))::date
{%- endmacro -%}

{%- macro iso_weekday(day) -%}
{{ return(adapter.dispatch('iso_weekday', 'moderation_craft')(day)) }}
{%- endmacro -%}

{#- 1 Monday to 7 Sunday. -#}
{%- macro default__iso_weekday(day) -%}
isodow({{ day }})::integer
{%- endmacro -%}

{%- macro iso_week(day) -%}
{{ return(adapter.dispatch('iso_week', 'moderation_craft')(day)) }}
{%- endmacro -%}

{%- macro default__iso_week(day) -%}
weekofyear({{ day }})::integer
{%- endmacro -%}

{%- macro iso_year(day) -%}
{{ return(adapter.dispatch('iso_year', 'moderation_craft')(day)) }}
{%- endmacro -%}

{%- macro default__iso_year(day) -%}
isoyear({{ day }})::integer
{%- endmacro -%}

{%- macro first_of_year(day) -%}
{{ return(adapter.dispatch('first_of_year', 'moderation_craft')(day)) }}
{%- endmacro -%}

{%- macro default__first_of_year(day) -%}
date_trunc('year', {{ day }})::date
{%- endmacro -%}

{%- macro last_of_year(day) -%}
{{ return(adapter.dispatch('last_of_year', 'moderation_craft')(day)) }}
{%- endmacro -%}

{%- macro default__last_of_year(day) -%}
(date_trunc('year', {{ day }}) + interval '1 year' - interval '1 day')::date
{%- endmacro -%}
