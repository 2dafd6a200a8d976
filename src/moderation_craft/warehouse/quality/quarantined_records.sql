with app as (
    select
        source,
        coalesce(dt, date '1970-01-01') as dt,
        'E003' as code,
        refusal as reason,
        origin,
        record
    from {{ ref('base_app__record_versions') }}
    where refusal is not null
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
