with times as (
    select
        user_id,
        date,
        {{ json_each('data', 'rollupDataPoints[0].timeInHeartRateZone.timeInHeartRateZones') }} as zone
    from ({{ latest_envelopes('fitbit', 'time-in-heart-rate-zone') }})
),

calories as (
    select
        user_id,
        date,
        {{ json_each('data', 'rollupDataPoints[0].caloriesInHeartRateZone.caloriesInHeartRateZones') }} as zone
    from ({{ latest_envelopes('fitbit', 'calories-in-heart-rate-zone') }})
),

said as (
    select
        user_id,
        date,
        lower({{ json_text('zone', 'heartRateZone') }}) as heart_rate_zone,
        {{ seconds_of(json_text('zone', 'duration')) }} / 60 as minutes,
        null::double as energy_kcal
    from times
    union all
    select
        user_id,
        date,
        lower({{ json_text('zone', 'heartRateZone') }}) as heart_rate_zone,
        null::double as minutes,
        {{ number(json_text('zone', 'kcal')) }} as energy_kcal
    from calories
)

select
    user_id,
    date,
    heart_rate_zone,
    max(minutes) as minutes,
    max(energy_kcal) as energy_kcal
from said
where heart_rate_zone is not null and coalesce(minutes, energy_kcal) >= 0
group by user_id, date, heart_rate_zone
