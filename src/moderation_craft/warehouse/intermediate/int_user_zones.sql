-- Places in the settings, where they name a person, replace the profile's; a day before the first place is a
-- day at home. Going west, the new zone starts with its own day. Going east, two days claim the same hours:
-- the change is put in the middle, for nobody wrote down the flight.
with homes as (
    select
        p.user_id,
        coalesce(u.timezone, '{{ var("default_timezone") }}') as timezone
    from {{ ref('int_people') }} as p
    left join {{ ref('stg_app__users') }} as u on p.user_id = u.user_id
),

settings_places as (
    select
        user_id,
        {{ known_timezone('timezone') }} as timezone,
        since
    from {{ source('raw', 'settings_places') }}
    qualify row_number() over (partition by user_id, since order by name, timezone) = 1
),

places as (
    select
        user_id,
        timezone,
        since
    from settings_places
    union all
    select
        user_id,
        timezone,
        since
    from {{ ref('stg_app__user_places') }}
    where user_id not in (select s.user_id from settings_places as s)
),

stays as (
    select
        user_id,
        timezone,
        date '1900-01-01' as from_date
    from homes
    union all
    select
        p.user_id,
        coalesce(p.timezone, h.timezone) as timezone,
        greatest(p.since, date '1900-01-02') as from_date
    from places as p
    inner join homes as h on p.user_id = h.user_id
    qualify row_number() over (partition by p.user_id, greatest(p.since, date '1900-01-02') order by p.since desc) = 1
),

ordered as (
    select
        user_id,
        timezone,
        from_date,
        lag(timezone) over by_date as timezone_before,
        lead(from_date) over by_date as next_from_date
    from stays
    window by_date as (partition by user_id order by from_date)
),

moments as (
    select
        *,
        {{ day_starts_at('from_date', 'timezone') }} as new_day_starts_at,
        {{ day_starts_at('from_date', 'coalesce(timezone_before, timezone)') }} as old_day_ends_at
    from ordered
),

bounded as (
    select
        user_id,
        timezone,
        from_date,
        coalesce(next_from_date - 1, date '2199-12-31') as to_date,
        case
            when new_day_starts_at >= old_day_ends_at then new_day_starts_at
            else new_day_starts_at + (old_day_ends_at - new_day_starts_at) / 2
        end as starts_at
    from moments
)

select
    user_id,
    timezone,
    from_date,
    to_date,
    starts_at,
    coalesce(
        lead(starts_at) over (partition by user_id order by from_date), timestamp '2200-01-01 00:00:00'
    ) as ends_at
from bounded
