with latest as (
    {{ latest_envelopes('fitbit', 'active-minutes') }}
),

levels as (
    select
        user_id,
        date,
        {{ json_each('data', 'rollupDataPoints[0].activeMinutes.activeMinutesRollupByActivityLevel') }} as level
    from latest
),

renamed as (
    select
        user_id,
        date,
        {{ json_text('level', 'activityLevel') }} as activity_level,
        {{ number(json_text('level', 'activeMinutesSum')) }} as minutes
    from levels
)

select
    user_id,
    date,
    coalesce(sum(minutes::bigint) filter (where activity_level in ('MODERATE', 'VIGOROUS')), 0)::double as active_minutes,
    sum(minutes::bigint) filter (where activity_level = 'LIGHT')::double as lightly_active_minutes
from renamed
where minutes >= 0
group by user_id, date
