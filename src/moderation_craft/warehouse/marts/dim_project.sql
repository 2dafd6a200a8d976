select
    project_id,
    user_id,
    name,
    color,
    status,
    is_deleted
from {{ ref('stg_app__projects') }}
