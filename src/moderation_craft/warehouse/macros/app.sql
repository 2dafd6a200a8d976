{#- The app's records: names, what each must hold, and how staging reads one. -#}

{#- An app table's or entity type's name, in any spelling → the entity_type of the data model. -#}
{%- macro entity_type(expression) -%}
case {{ snake_case(expression) }}
    when 'users' then 'user'
    when 'projects' then 'project'
    when 'big_tasks' then 'big_task'
    when 'small_tasks' then 'small_task'
    when 'work_sessions' then 'work_session'
    when 'time_entry' then 'time_entries'
    when 'mood_entries' then 'mood_entry'
    when 'dopamine_entries' then 'dopamine_entry'
    when 'daily_conditions' then 'daily_condition'
    when 'schedule_memos' then 'schedule_memo'
    when 'sleep_schedules' then 'sleep_schedule'
    else {{ snake_case(expression) }}
end
{%- endmacro -%}

{#- entity_type, field, kind of value, required, [least, most]. What breaks one of these goes to quarantine. -#}
{%- macro app_rules() -%}
{{ return([
    ('work_session', 'start_time', 'instant', true, none),
    ('work_session', 'end_time', 'instant', false, none),
    ('work_session', 'duration_seconds', 'number', false, [0, 86400]),
    ('work_session', 'duration_minutes', 'number', false, [0, 1440]),
    ('work_session', 'focus_level', 'number', false, [1, 9]),
    ('time_entries', 'date', 'date', true, none),
    ('time_entries', 'start_time', 'text', false, none),
    ('time_entries', 'duration_minutes', 'number', false, [0, 1440]),
    ('time_entries', 'focus_level', 'number', false, [1, 9]),
    ('mood_entry', 'timestamp', 'instant', true, none),
    ('mood_entry', 'mood_level', 'number', true, [1, 9]),
    ('dopamine_entry', 'timestamp', 'instant', true, none),
    ('daily_condition', 'date', 'date', true, none),
    ('daily_condition', 'sleep_hours', 'number', false, [0, 24]),
    ('daily_condition', 'steps', 'number', false, [0, 500000]),
    ('daily_condition', 'energy_level', 'number', false, [1, 5]),
    ('schedule_memo', 'week_start_date', 'date', true, none),
    ('sleep_schedule', 'date_of_sleep', 'date', true, none),
    ('sleep_schedule', 'scheduled_start_time', 'instant', false, none),
    ('sleep_schedule', 'scheduled_end_time', 'instant', false, none),
    ('sleep_schedule', 'scheduled_duration_minutes', 'number', false, [0, 2880]),
    ('sleep_schedule', 'actual_start_time', 'instant', false, none),
    ('sleep_schedule', 'actual_end_time', 'instant', false, none),
    ('sleep_schedule', 'minutes_asleep', 'number', false, [0, 1440]),
    ('sleep_schedule', 'sleep_efficiency', 'number', false, [0, 100]),
    ('project', 'deadline', 'date', false, none),
    ('small_task', 'estimated_minutes', 'number', false, [0, 1000000]),
    ('small_task', 'actual_minutes', 'number', false, [0, 1000000]),
    ('big_task', 'estimated_hours', 'number', false, [0, 1000000]),
    ('big_task', 'actual_hours', 'number', false, [0, 1000000]),
]) }}
{%- endmacro -%}

{#- The first rule that a record breaks, as a sentence; NULL where it keeps them all. -#}
{%- macro app_refusal() -%}
case
    when fields is null then 'it is not a JSON object'
    when entity_type is null then 'it has no entity_type'
    when id is null then 'it has no id'
    when user_id is null then 'it has no user_id'
    {%- for entity, name, kind, required, bounds in app_rules() %}
    {%- set value = field(name) %}
    {%- set words = {'instant': 'a time (ISO 8601, 1990 to 2099)', 'date': 'a date (YYYY-MM-DD, 1990 to 2099)', 'number': 'a number'} %}
    {%- if required %}
    when entity_type = '{{ entity }}' and {{ value }} is null then '{{ name }} is missing'
    {%- endif %}
    {%- if kind == 'instant' %}
    when entity_type = '{{ entity }}' and {{ value }} is not null and ({{ instant(value) }}) is null
        then '{{ name }} "' || left({{ value }}, 40) || '" is not {{ words[kind] }}'
    {%- elif kind == 'date' %}
    when entity_type = '{{ entity }}' and {{ value }} is not null and ({{ civil_date(value) }}) is null
        then '{{ name }} "' || left({{ value }}, 40) || '" is not {{ words[kind] }}'
    {%- elif kind == 'number' %}
    when entity_type = '{{ entity }}' and {{ value }} is not null and ({{ number(value) }}) is null
        then '{{ name }} "' || left({{ value }}, 40) || '" is not {{ words[kind] }}'
    {%- endif %}
    {%- if bounds %}
    when entity_type = '{{ entity }}' and ({{ number(value) }}) not between {{ bounds[0] }} and {{ bounds[1] }}
        then '{{ name }} ' || left({{ value }}, 40) || ' is outside {{ bounds[0] }} to {{ bounds[1] }}'
    {%- endif %}
    {%- endfor %}
    when entity_type = 'work_session'
        and ({{ instant(field('end_time')) }}) < ({{ instant(field('start_time')) }})
        then 'end_time is before start_time'
    when entity_type = 'work_session'
        and {{ field('duration_seconds') }} is null and {{ field('duration_minutes') }} is null
        and {{ seconds_between(instant(field('start_time')), instant(field('end_time'))) }} > 86400
        then 'it lasts more than 24 hours'
end
{%- endmacro -%}

{#- The columns that every staging model of the app begins and ends with. -#}
{%- macro app_records(entity) -%}
select * from {{ ref('base_app__records') }} where entity_type = '{{ entity }}'
{%- endmacro -%}
