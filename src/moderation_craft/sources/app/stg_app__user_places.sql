with exploded as (
    select
        user_id,
        unnest(json_extract(places, '$[*]')) as place
    from {{ ref('stg_app__users') }}
    where places is not null
),

renamed as (
    select
        user_id,
        coalesce({{ json_text('place', 'M.name.S') }}, {{ json_text('place', 'name') }}) as name,
        coalesce({{ json_text('place', 'M.timezone.S') }}, {{ json_text('place', 'timezone') }}) as timezone_name,
        coalesce({{ json_text('place', 'M.since.S') }}, {{ json_text('place', 'since') }}, '1990-01-01') as since_text
    from exploded
)

select
    user_id,
    name,
    {{ known_timezone('timezone_name') }} as timezone,
    coalesce({{ civil_date('since_text') }}, date '1990-01-01') as since
from renamed
qualify row_number() over (partition by user_id, since order by name, timezone) = 1
