with days as (
    select distinct
        user_id,
        date
    from (
        select user_id, date from {{ ref('stg_fitbit__steps') }}
        union all
        select user_id, date from {{ ref('stg_fitbit__active_minutes') }}
        union all
        select user_id, date from {{ ref('stg_fitbit__total_calories') }}
        union all
        select user_id, date from {{ ref('stg_fitbit__resting_heart_rate') }}
        union all
        select user_id, date from {{ ref('stg_fitbit__heart_rate_variability') }}
    )
)

select
    d.user_id,
    d.date,
    s.steps,
    a.active_minutes,
    c.calories_kcal,
    r.resting_heart_rate_bpm,
    h.hrv_ms
from days as d
left join {{ ref('stg_fitbit__steps') }} as s on d.user_id = s.user_id and d.date = s.date
left join {{ ref('stg_fitbit__active_minutes') }} as a on d.user_id = a.user_id and d.date = a.date
left join {{ ref('stg_fitbit__total_calories') }} as c on d.user_id = c.user_id and d.date = c.date
left join {{ ref('stg_fitbit__resting_heart_rate') }} as r on d.user_id = r.user_id and d.date = r.date
left join {{ ref('stg_fitbit__heart_rate_variability') }} as h on d.user_id = h.user_id and d.date = h.date
