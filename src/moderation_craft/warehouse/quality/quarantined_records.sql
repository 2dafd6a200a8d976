with refused as (
    select
        source,
        origin,
        refusal,
        record
    from {{ ref('base_app__unidentified') }}
    {%- for name, _ in app_entities().values() %}
    union all
    select
        source,
        origin,
        refusal,
        record
    from {{ ref('base_app__' ~ name) }}
    where refusal is not null
    {%- endfor %}
),

app as (
    select
        source,
        coalesce(try_cast(regexp_extract(origin, 'dt=([0-9-]{10})', 1) as date), date '1970-01-01') as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record
    from refused
),

sleep_logs as (
    select
        'fitbit' as source,
        date as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record
    from {{ ref('base_fitbit__sleep_points') }}
    where refusal is not null
)

select * from app
union all
select * from sleep_logs
