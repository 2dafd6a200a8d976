-- A day is expected of everybody who has the source, from the first day that it holds to the newest of which anything
-- is known: another source's answer, or the app's own data up to the newest answer of all.
with asked as (
    select *
    from {{ ref('int_fetched_days') }}
    where is_asked
),

newest as (
    select
        user_id,
        max(date) as last_date
    from (
        select
            user_id,
            date
        from asked
        union all
        select
            a.user_id,
            a.date
        from {{ ref('int_app_days') }} as a
        where a.date <= (select max(date) from asked)
    ) as known
    group by user_id
),

bounds as (
    select
        a.source,
        a.user_id,
        min(a.date) as first_date,
        max(n.last_date) as last_date
    from asked as a
    inner join newest as n on a.user_id = n.user_id
    group by a.source, a.user_id
),

expected_days as (
    select
        source,
        user_id,
        {{ days_between('first_date', 'last_date') }} as date
    from bounds
),

-- A stream that the person's settings choose is expected once it has answered.
expected_streams as (
    select
        b.source,
        b.user_id,
        s.stream
    from bounds as b
    inner join {{ source('raw', 'source_streams') }} as s on b.source = s.source
    where
        s.shape = 'daily'
        and (
            not s.is_optional
            or exists (
                select 1
                from asked as a
                where a.source = s.source and a.stream = s.stream and a.user_id = b.user_id
            )
        )
),

asked_days as (
    select
        d.source,
        d.user_id,
        d.date,
        count(*) as streams_expected,
        count(a.stream) as streams_held,
        count(*) filter (where a.is_late) as streams_late,
        coalesce(string_agg(s.stream, ', ' order by s.stream) filter (where a.stream is null), '') as missing_streams
    from expected_days as d
    inner join expected_streams as s on d.source = s.source and d.user_id = s.user_id
    left join asked as a
        on s.source = a.source and s.stream = a.stream and s.user_id = a.user_id and d.date = a.date
    group by d.source, d.user_id, d.date
),

-- Of a day that only an archive holds, its streams are all that can be expected.
held as (
    select
        source,
        user_id,
        date,
        count(*) as streams,
        count(*) filter (where not is_asked) as archive_streams,
        sum(rows_in)::bigint as rows_in
    from {{ ref('int_fetched_days') }}
    group by source, user_id, date
),

refused as (
    select
        f.source,
        f.user_id,
        f.date,
        count(*) as refused
    from {{ ref('quarantined_records') }} as q
    inner join {{ ref('int_fetched_days') }} as f
        on q.source = f.source and q.user_id = f.user_id and q.origin = f.part_key
    group by f.source, f.user_id, f.date
),

joined as (
    select
        coalesce(d.user_id, h.user_id) as user_id,
        coalesce(d.date, h.date) as date,
        coalesce(d.source, h.source) as source,
        coalesce(d.streams_expected, h.streams)::integer as streams_expected,
        coalesce(d.streams_held, h.streams)::integer as streams_held,
        coalesce(d.streams_late, 0)::integer as streams_late,
        coalesce(d.missing_streams, '') as missing_streams,
        coalesce(h.archive_streams, 0) as archive_streams,
        coalesce(h.rows_in, 0) as rows_in
    from asked_days as d
    full outer join held as h on d.source = h.source and d.user_id = h.user_id and d.date = h.date
)

select
    j.user_id,
    j.date,
    j.source,
    case
        when j.streams_held < j.streams_expected and j.streams_held + j.archive_streams = 0 then 'missing'
        when j.streams_held < j.streams_expected then 'partial'
        when j.streams_late > 0 then 'late'
        else 'complete'
    end as status,
    j.streams_expected,
    j.streams_held,
    j.streams_late,
    j.missing_streams,
    j.rows_in,
    j.rows_in - coalesce(r.refused, 0) as rows_out,
    coalesce(r.refused, 0) as refused
from joined as j
inner join {{ ref('dim_user') }} as u on j.user_id = u.user_id
left join refused as r on j.source = r.source and j.user_id = r.user_id and j.date = r.date
