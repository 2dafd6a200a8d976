select
    user_id,
    date,
    measure,
    value,
    unit,
    kind,
    label_ja,
    label_en,
    dataset
from {{ ref('stg_csv__measures') }}
