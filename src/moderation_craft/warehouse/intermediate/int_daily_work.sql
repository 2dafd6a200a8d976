-- Whole seconds are added up, so that the slots' minutes make the day's minutes exactly.
select
    user_id,
    date,
    count(*) as session_count,
    count(*) filter (where session_kind = 'pomodoro') as pomodoro_count,
    sum(duration_seconds)::bigint as work_seconds,
    {% for slot in time_slots() %}
    coalesce(sum(duration_seconds) filter (where time_slot = '{{ slot }}'), 0)::bigint as {{ slot }}_seconds,
    {% endfor %}
    round(avg(focus_level), 6) as focus_level_avg
from {{ ref('int_work_sessions') }}
where is_finished
group by user_id, date
