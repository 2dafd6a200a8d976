-- What each source was asked for by day and said: a day has a row a stream that answered it. Streams of an archive
-- (Takeout, the old API) are none that is asked for; snapshots and lists of changes have no days that could lack.
with answers as (
    select
        d.source,
        d.stream,
        d.user_id,
        d.date,
        s.stream is not null as is_asked,
        min(d.fetched_at) as first_fetched_at,
        bool_or(d.is_closed and d.is_first) as came_closed
    from (
        select
            *,
            row_number() over (
                partition by source, stream, user_id, date order by fetched_at, is_closed, part_key
            ) = 1 as is_first
        from {{ source('raw', 'fetched_days') }}
    ) as d
    left join {{ source('raw', 'source_streams') }} as s on d.source = s.source and d.stream = s.stream
    where
        coalesce(s.shape, 'daily') = 'daily'
        and d.date between date '1990-01-01' and date '2099-12-31'
        and d.source in (
            select q.source
            from {{ source('raw', 'source_streams') }} as q
            where q.shape = 'daily'
        )
    group by all
),

said as (
    select
        source,
        stream,
        user_id,
        date,
        part_key,
        {{ json_rows('data') }} as rows_in
    from {{ source('raw', 'envelopes') }}
    qualify row_number() over (
        partition by source, stream, user_id, date order by fetched_at desc, part_key desc, data desc
    ) = 1
)

select
    a.source,
    a.stream,
    a.user_id,
    a.date,
    a.is_asked,
    a.came_closed and a.date >= (min(a.first_fetched_at) over (partition by a.source, a.user_id))::date as is_late,
    s.part_key,
    coalesce(s.rows_in, 0) as rows_in
from answers as a
left join said as s
    on a.source = s.source and a.stream = s.stream and a.user_id = s.user_id and a.date = s.date
