-- Where the sun does not rise or set that day, the service gives no times, or 0: daylight is not known then.
with envelopes as (
    select
        user_id,
        date,
        {{ json_text('metadata', 'place') }} as place,
        {{ instant(json_text('data', 'dt')) }} as observed_at,
        {{ json_number('data', 'main.temp') }} as temperature_celsius,
        {{ json_number('data', 'main.humidity') }} as humidity_pct,
        coalesce({{ json_number('data', 'main.sea_level') }}, {{ json_number('data', 'main.pressure') }}) as pressure_hpa,
        {{ instant(json_text('data', 'sys.sunrise')) }} as sunrise_at,
        {{ instant(json_text('data', 'sys.sunset')) }} as sunset_at,
        part_key as origin,
        data as record,
        fetched_at
    from {{ source('weather', 'owm_current') }}
    where user_id is not null and date is not null and json_valid(data)
)

select
    user_id,
    date,
    place,
    observed_at,
    temperature_celsius,
    humidity_pct,
    pressure_hpa,
    case
        when sunset_at > sunrise_at then round({{ seconds_between('sunrise_at', 'sunset_at') }} / 3600.0, 6)
    end as daylight_hours,
    origin,
    record
from envelopes
where observed_at is not null
qualify row_number() over (partition by user_id, observed_at order by fetched_at desc, origin desc, record desc) = 1
