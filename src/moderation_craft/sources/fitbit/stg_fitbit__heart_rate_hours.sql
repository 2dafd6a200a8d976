-- Where the settings choose every measurement; an hour without one has no row.
with points as (
    select
        user_id,
        {{ json_each('data', 'dataPoints') }} as point
    from ({{ latest_envelopes('fitbit', 'heart-rate-intraday') }})
),

measured as (
    select
        user_id,
        {{ instant(json_text('point', 'heartRate.sampleTime.physicalTime')) }} as measured_at,
        {{ number(json_text('point', 'heartRate.beatsPerMinute')) }} as beats_per_minute
    from points
)

select
    user_id,
    date_trunc('hour', measured_at) as hour_starts_at,
    count(*)::integer as measurement_count,
    min(beats_per_minute) as heart_rate_min_bpm,
    sum(beats_per_minute::bigint) / count(*)::double as heart_rate_mean_bpm,
    max(beats_per_minute) as heart_rate_max_bpm
from measured
where measured_at is not null and beats_per_minute between 20 and 300
group by user_id, date_trunc('hour', measured_at)
