-- Google Health names no mood: the moment and the labels do.
with points as (
    select
        user_id,
        date,
        {{ json_each('data', 'dataPoints') }} as point
    from ({{ latest_envelopes('fitbit', 'moods') }})
),

renamed as (
    select
        user_id,
        date,
        {{ instant(json_text('point', 'moods.sampleTime.physicalTime')) }} as logged_at,
        {{ seconds_of(json_text('point', 'moods.sampleTime.utcOffset')) }} as utc_offset_seconds,
        {{ text_list('point', 'moods.moods') }} as labels,
        {{ text_list('point', 'moods.valences') }} as valences
    from points
),

timed as (
    select
        *,
        logged_at + to_seconds(coalesce(utc_offset_seconds, 0)) as logged_local
    from renamed
    where logged_at is not null
)

select
    user_id,
    {{ night_id('logged_local', 'logged_local') }} || '-' || md5(coalesce(labels, '')) as mood_id,
    date,
    logged_at,
    logged_local,
    labels,
    case
        when valences = 'PLEASANT' then 1
        when valences = 'BASELINE' then 0
        when valences = 'UNPLEASANT' then -1
    end::integer as valence,
    'google_health' as way_in
from timed
qualify row_number() over (partition by user_id, logged_local, labels order by logged_at asc, date asc) = 1
