select distinct user_id
from (
    select user_id from {{ ref('base_app__records') }}
    union all
    select user_id from {{ ref('stg_fitbit__sleep_logs') }}
    union all
    select user_id from {{ ref('int_health_measures') }}
    union all
    select user_id from {{ ref('stg_weather__daily') }}
    union all
    select user_id from {{ ref('stg_weather__air_quality') }}
    union all
    select user_id from {{ ref('stg_weather__forecasts') }}
    union all
    select user_id from {{ ref('stg_calendar__events') }}
    union all
    select user_id from {{ ref('stg_calendar__windows') }}
    union all
    select user_id from {{ ref('stg_csv__measures') }}
)
