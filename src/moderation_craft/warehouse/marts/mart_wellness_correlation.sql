-- The shape alone: the analysis (insights/analysis.py) fills it after the models are built.
select
    null::varchar as user_id,
    null::varchar as factor,
    null::varchar as outcome,
    null::integer as lag,
    null::varchar as method,
    null::varchar as state,
    null::integer as n,
    null::double as n_effective,
    null::double as r,
    null::double as ci_low,
    null::double as ci_high,
    null::double as p_value,
    null::double as q_value,
    null::boolean as weekday_adjusted,
    null::date as as_of_date,
    null::integer as days_needed
from {{ ref('mart_productivity_daily') }}
where false
