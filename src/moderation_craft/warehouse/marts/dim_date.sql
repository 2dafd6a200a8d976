-- Whole years, from the first to the last day that any mart speaks of.
with spoken_of as (
    select date from {{ ref('mart_productivity_daily') }}
    union all
    select date from {{ ref('fct_daily_environment') }}
    union all
    select date from {{ ref('fct_daily_schedule') }}
    union all
    select date from {{ ref('int_fetched_days') }}
),

bounds as (
    select
        {{ first_of_year('min(date)') }} as first_date,
        {{ last_of_year('max(date)') }} as last_date
    from spoken_of
    having count(*) > 0
),

days as (
    select {{ days_between('first_date', 'last_date') }} as date
    from bounds
),

parts as (
    select
        date,
        extract(year from date)::integer as year,
        extract(quarter from date)::integer as quarter,
        extract(month from date)::integer as month,
        extract(day from date)::integer as day,
        {{ iso_year('date') }} as iso_year,
        {{ iso_week('date') }} as iso_week,
        {{ iso_weekday('date') }} as weekday
    from days
)

select
    p.date,
    p.year,
    p.quarter,
    p.month,
    p.day,
    p.iso_year,
    p.iso_week,
    p.weekday,
    p.weekday >= 6 as is_weekend,
    h.date is not null as is_public_holiday,
    h.name_ja as holiday_name_ja,
    h.name_en as holiday_name_en,
    p.weekday < 6 and h.date is null as is_working_day
from parts as p
left join {{ source('raw', 'public_holidays') }} as h on p.date = h.date
