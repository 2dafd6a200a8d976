with entries as (
    select *
    from {{ ref('stg_app__mood_entries') }}
    where not is_deleted
),

localised as (
    {{ localised('entries', 'noted_at', 'noted_local') }}
)

select
    user_id,
    mood_id,
    date,
    noted_at,
    noted_local,
    mood_level,
    notes
from localised
