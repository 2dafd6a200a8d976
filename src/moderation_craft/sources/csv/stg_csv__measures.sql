-- Where two imports speak of one person's measure on one day, the newer import counts, then its later row.
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
from {{ source('raw', 'csv_measures') }}
where
    user_id is not null
    and measure is not null
    and isfinite(value)
    and date between date '1990-01-01' and date '2099-12-31'
qualify row_number() over (
    partition by user_id, date, measure
    order by imported_at desc, part_key desc, row_number desc, value desc, dataset asc
) = 1
