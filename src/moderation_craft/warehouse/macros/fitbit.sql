{#- One daily figure of a stream whose answer holds at most one point a day. -#}
{%- macro fitbit_daily(stream, list, path, name) -%}
with latest as (
    {{ latest_envelopes('fitbit', stream) }}
),

renamed as (
    select
        user_id,
        date,
        {{ number(json_text('data', list ~ '[0].' ~ path)) }} as {{ name }}
    from latest
)
{%- endmacro -%}
