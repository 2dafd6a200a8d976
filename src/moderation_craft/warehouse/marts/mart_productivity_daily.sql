with joined as (
    select
        d.user_id,
        d.date,
        isodow(d.date)::integer as weekday,
        isodow(d.date) >= 6 as is_weekend,
        d.timezone,
        a.work_minutes,
        a.session_count,
        a.pomodoro_count,
        {% for slot in time_slots() %}
        a.work_minutes_{{ slot }},
        {% endfor %}
        a.focus_level_avg,
        a.mood_level_avg,
        a.mood_entry_count,
        a.tasks_completed,
        h.sleep_minutes,
        h.nap_minutes,
        h.sleep_start_local,
        h.sleep_end_local,
        h.sleep_efficiency_pct,
        h.deep_minutes,
        h.light_minutes,
        h.rem_minutes,
        h.awake_minutes,
        h.steps,
        h.active_minutes,
        h.calories_kcal,
        h.resting_heart_rate_bpm,
        h.hrv_ms,
        e.temperature_mean_celsius,
        e.temperature_min_celsius,
        e.temperature_max_celsius,
        e.pressure_hpa,
        e.pressure_change_hpa,
        e.humidity_pct,
        e.precipitation_mm,
        e.daylight_hours,
        e.us_aqi,
        e.discomfort_index,
        e.comfort,
        c.meeting_minutes,
        c.event_count,
        h.sleep_score,
        coalesce(h.sleep_score_coverage, 0) as sleep_score_coverage,
        h.activity_score,
        coalesce(h.activity_score_coverage, 0) as activity_score_coverage,
        p.productivity_score,
        p.productivity_score_coverage,
        p.productivity_work_part,
        p.productivity_tasks_part,
        p.productivity_mood_part,
        p.productivity_focus_part,
        a.work_minutes is not null as has_work,
        a.mood_level_avg is not null as has_mood,
        h.sleep_minutes is not null as has_sleep,
        coalesce(h.steps, h.active_minutes, h.calories_kcal, h.resting_heart_rate_bpm, h.hrv_ms) is not null as has_body,
        e.user_id is not null as has_weather,
        c.user_id is not null as has_calendar,
        not d.has_own_data as is_empty
    from {{ ref('int_user_days') }} as d
    inner join {{ ref('int_daily_app') }} as a on d.user_id = a.user_id and d.date = a.date
    inner join {{ ref('int_productivity_scores') }} as p on d.user_id = p.user_id and d.date = p.date
    left join {{ ref('fct_daily_health') }} as h on d.user_id = h.user_id and d.date = h.date
    left join {{ ref('fct_daily_environment') }} as e on d.user_id = e.user_id and d.date = e.date
    left join {{ ref('fct_daily_schedule') }} as c on d.user_id = c.user_id and d.date = c.date
)

select
    *,
    round(100.0 * (
        has_work::integer + has_mood::integer + has_sleep::integer
        + has_body::integer + has_weather::integer + has_calendar::integer
    ) / 6, 6) as completeness_pct
from joined
