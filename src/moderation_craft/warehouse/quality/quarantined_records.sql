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
        record,
        null::varchar as user_id
    from refused
),

sleep_logs as (
    select
        'fitbit' as source,
        date as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record,
        user_id
    from {{ ref('base_fitbit__sleep_points') }}
    where refusal is not null
),

exercises as (
    select
        'fitbit' as source,
        date as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record,
        user_id
    from {{ ref('base_fitbit__exercise_points') }}
    where refusal is not null
),

figures as (
    select
        'fitbit' as source,
        date as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record,
        user_id
    from {{ ref('base_fitbit__google_health_figures') }}
    where refusal is not null
),

weather as (
    {%- for name, day in {'daily': 'date', 'air': 'date', 'forecast': 'issued_on'}.items() %}
    select
        'weather' as source,
        {{ day }} as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record,
        user_id
    from {{ ref('base_weather__' ~ name ~ '_answers') }}
    where refusal is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from app
union all
select * from sleep_logs
union all
select * from exercises
union all
select * from figures
union all
select * from weather
