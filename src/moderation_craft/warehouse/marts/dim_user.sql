select
    p.user_id,
    coalesce(u.name, p.user_id) as name,
    coalesce(u.timezone, '{{ var("default_timezone") }}') as timezone,
    coalesce(u.is_deleted, false) as is_deleted
from {{ ref('int_people') }} as p
left join {{ ref('stg_app__users') }} as u on p.user_id = u.user_id
