-- One row a figure that an answer holds; `refusal` says why one cannot be. NaN is no figure.
{%- set streams = [] %}
{%- for figure in fitbit_figures() if figure.stream not in streams %}{% do streams.append(figure.stream) %}{% endfor %}

with
{%- for stream in streams %}
{{ stream | replace('-', '_') }} as (
    {{ latest_envelopes('fitbit', stream) }}
),
{%- endfor %}

levels as (
    select
        user_id,
        date,
        part_key,
        {{ json_each('data', 'rollupDataPoints[0].activeMinutes.activeMinutesRollupByActivityLevel') }} as level
    from ({{ latest_envelopes('fitbit', 'active-minutes') }})
),

weighings as (
    select
        user_id,
        date,
        part_key,
        {{ json_each('data', 'dataPoints') }} as point
    from ({{ latest_envelopes('fitbit', 'weight') }})
),

-- Of several on a day, the last: what the app shows for it.
last_weighings as (
    select
        *,
        {{ number(json_text('point', 'weight.weightGrams')) }} as grams
    from weighings
    where {{ number(json_text('point', 'weight.weightGrams')) }} > 0
    qualify row_number() over (
        partition by user_id, date
        order by {{ json_text('point', 'weight.sampleTime.physicalTime') }} desc nulls last, point::varchar desc
    ) = 1
),

figures as (
    {%- for figure in fitbit_figures() %}
    select
        user_id,
        date,
        part_key as origin,
        data::varchar as record,
        '{{ figure.entity }}' as entity,
        '{{ figure.name }}' as figure,
        {%- set found = json_text('data', figure.path) %}
        {{ seconds_of(found) if figure.name.endswith('_seconds') else number(found) }} as value,
        {{ figure.bounds[0] }}::double as least,
        {{ figure.bounds[1] }}::double as most,
        {{ figure.zero_is_missing | default(false) }} as zero_is_missing
    from {{ figure.stream | replace('-', '_') }}
    union all
    {%- endfor %}
    select
        user_id,
        date,
        part_key as origin,
        level::varchar as record,
        'activity' as entity,
        lower({{ json_text('level', 'activityLevel') }}) || '_minutes' as figure,
        {{ number(json_text('level', 'activeMinutesSum')) }} as value,
        0 as least,
        1500 as most,
        false as zero_is_missing
    from levels
    union all
    select
        user_id,
        date,
        part_key as origin,
        point::varchar as record,
        'vitals' as entity,
        'weight_kg' as figure,
        grams / 1000 as value,
        1 as least,
        700 as most,
        true as zero_is_missing
    from last_weighings
),

checked as (
    select
        *,
        case
            when value not between least and most
                then figure || ' is ' || value || ', which is not between ' || least || ' and ' || most
        end as refusal
    from figures
    where value is not null and not (zero_is_missing and value = 0)
)

select
    user_id,
    date,
    origin,
    entity,
    figure,
    value,
    case when refusal is not null then record end as record,
    refusal
from checked
