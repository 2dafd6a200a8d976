{#- The app's records: names, what each must hold, and which copy of one counts (docs/one-truth.md). -#}

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

{#- entity_type → the name of its models, and staging's column for its id. -#}
{%- macro app_entities() -%}
{{ return({
    'user': ('users', 'user_id'),
    'project': ('projects', 'project_id'),
    'big_task': ('big_tasks', 'big_task_id'),
    'small_task': ('small_tasks', 'small_task_id'),
    'work_session': ('work_sessions', 'session_id'),
    'time_entries': ('time_entries', 'time_entry_id'),
    'mood_entry': ('mood_entries', 'mood_id'),
    'dopamine_entry': ('dopamine_entries', 'dopamine_id'),
    'daily_condition': ('daily_conditions', 'condition_id'),
    'schedule_memo': ('schedule_memos', 'memo_id'),
    'sleep_schedule': ('sleep_schedules', 'sleep_schedule_id'),
}) }}
{%- endmacro -%}

{#- What staging reads of an entity: name, kind (text, number, instant, date, json), what is asked of it, [least, most].
    A 'required' value must be there and be readable, a 'readable' one may be missing; what breaks this goes to
    quarantine whole. Of anything else an unreadable value is NULL. -#}
{%- macro app_attributes(entity) -%}
{{ return({
    'user': [
        ('name', 'text', none, none),
        ('email', 'text', none, none),
        ('timezone', 'text', none, none),
        ('preferences', 'json', none, none),
    ],
    'project': [
        ('name', 'text', none, none),
        ('goal', 'text', none, none),
        ('deadline', 'date', 'readable', none),
        ('status', 'text', none, none),
        ('color', 'text', none, none),
        ('estimated_total_hours', 'number', none, none),
    ],
    'big_task': [
        ('project_id', 'text', none, none),
        ('name', 'text', none, none),
        ('estimated_hours', 'number', 'readable', [0, 1000000]),
        ('actual_hours', 'number', 'readable', [0, 1000000]),
        ('status', 'text', none, none),
        ('category', 'text', none, none),
        ('start_date', 'date', none, none),
        ('end_date', 'date', none, none),
        ('task_type', 'text', none, none),
    ],
    'small_task': [
        ('big_task_id', 'text', none, none),
        ('project_id', 'text', none, none),
        ('name', 'text', none, none),
        ('estimated_minutes', 'number', 'readable', [0, 1000000]),
        ('actual_minutes', 'number', 'readable', [0, 1000000]),
        ('scheduled_start', 'instant', none, none),
        ('scheduled_end', 'instant', none, none),
        ('status', 'text', none, none),
        ('completed_at', 'instant', none, none),
        ('task_type', 'text', none, none),
        ('kanban_column', 'text', none, none),
    ],
    'work_session': [
        ('small_task_id', 'text', none, none),
        ('project_id', 'text', none, none),
        ('start_time', 'instant', 'required', none),
        ('end_time', 'instant', 'readable', none),
        ('duration_seconds', 'number', 'readable', [0, 86400]),
        ('duration_minutes', 'number', 'readable', [0, 1440]),
        ('focus_level', 'number', 'readable', [1, 9]),
        ('mood_notes', 'text', none, none),
        ('work_notes', 'text', none, none),
    ],
    'time_entries': [
        ('small_task_id', 'text', none, none),
        ('project_id', 'text', none, none),
        ('big_task_id', 'text', none, none),
        ('date', 'date', 'required', none),
        ('start_time', 'text', none, none),
        ('end_time', 'text', none, none),
        ('duration_minutes', 'number', 'readable', [0, 1440]),
        ('description', 'text', none, none),
        ('notes', 'text', none, none),
        ('focus_level', 'number', 'readable', [1, 9]),
    ],
    'mood_entry': [
        ('timestamp', 'instant', 'required', none),
        ('mood_level', 'number', 'required', [1, 9]),
        ('notes', 'text', none, none),
    ],
    'dopamine_entry': [
        ('timestamp', 'instant', 'required', none),
        ('event_description', 'text', none, none),
    ],
    'daily_condition': [
        ('date', 'date', 'required', none),
        ('sleep_hours', 'number', 'readable', [0, 24]),
        ('steps', 'number', 'readable', [0, 500000]),
        ('subjective_mood', 'text', none, none),
        ('energy_level', 'number', 'readable', [1, 5]),
        ('notes', 'text', none, none),
    ],
    'schedule_memo': [
        ('week_start_date', 'date', 'required', none),
        ('content', 'text', none, none),
    ],
    'sleep_schedule': [
        ('date_of_sleep', 'date', 'required', none),
        ('scheduled_start_time', 'instant', 'readable', none),
        ('scheduled_end_time', 'instant', 'readable', none),
        ('scheduled_duration_minutes', 'number', 'readable', [0, 2880]),
        ('actual_start_time', 'instant', 'readable', none),
        ('actual_end_time', 'instant', 'readable', none),
        ('minutes_asleep', 'number', 'readable', [0, 1440]),
        ('minutes_awake', 'number', none, none),
        ('time_in_bed', 'number', none, none),
        ('sleep_efficiency', 'number', 'readable', [0, 100]),
        ('actual_data_source', 'text', none, none),
    ],
}[entity]) }}
{%- endmacro -%}

{#- The first rule that a record breaks, as a sentence; NULL where it keeps them all. `x_text` is x as it came. -#}
{%- macro app_refusal(entity) -%}
{%- set words = {'instant': 'a time (ISO 8601, 1990 to 2099)', 'date': 'a date (YYYY-MM-DD, 1990 to 2099)', 'number': 'a number'} -%}
case
    when false then ''
    {%- for name, kind, asked, bounds in app_attributes(entity) if asked %}
    {%- if asked == 'required' %}
    when {{ name }}_text is null then '{{ name }} is missing'
    {%- endif %}
    when {{ name }}_text is not null and {{ name }} is null
        then '{{ name }} "' || left({{ name }}_text, 40) || '" is not {{ words[kind] }}'
    {%- if bounds %}
    when {{ name }} not between {{ bounds[0] }} and {{ bounds[1] }}
        then '{{ name }} ' || left({{ name }}_text, 40) || ' is outside {{ bounds[0] }} to {{ bounds[1] }}'
    {%- endif %}
    {%- endfor %}
    {%- if entity == 'work_session' %}
    when end_time < start_time then 'end_time is before start_time'
    when
        duration_seconds_text is null and duration_minutes_text is null
        and {{ seconds_between('start_time', 'end_time') }} > 86400
        then 'it lasts more than 24 hours'
    {%- endif %}
end
{%- endmacro -%}

{#- An attribute's text as its kind. -#}
{%- macro typed(name, kind) -%}
{%- if kind == 'instant' -%}{{ instant(name ~ '_text') }}
{%- elif kind == 'date' -%}{{ civil_date(name ~ '_text') }}
{%- elif kind == 'number' -%}{{ number(name ~ '_text') }}
{%- else -%}{{ name }}_text
{%- endif -%}
{%- endmacro -%}

{#- Every distinct content of an entity's records that raw ever held, from both doors, typed; why one cannot be read
    stands in `refusal`. `record` and `origin` are there where somebody may ask for them. -#}
{%- macro app_versions(entity) -%}
{%- set attributes = app_attributes(entity) + [('created_at', 'instant', none, none), ('updated_at', 'instant', none, none)] -%}
{%- set carried = ['source', 'device_id', 'user_id', 'id', 'is_current', 'observed_at', 'dumped_at', 'last_seen_at', 'gone_at', 'gone_how', 'record', 'part_number', 'origin'] -%}
with parsed as (
    select
        *,
        {{ dynamodb_struct('record', attributes) }} as said
    from {{ ref('base_dynamodb__items') }}
    where entity_type = '{{ entity }}' and user_id is not null and id is not null
),

both_doors as (
    select
        'dynamodb' as source,
        null::varchar as device_id,
        user_id,
        id,
        is_current,
        observed_at,
        null::timestamp as dumped_at,
        last_seen_at,
        gone_at,
        gone_how,
        record,
        part_number,
        null::varchar as origin,
        {%- for name, kind, _, _ in attributes %}
        {{ dynamodb_attribute('said', name, kind) }} as {{ name }}_text{{ ',' if not loop.last }}
        {%- endfor %}
    from parsed
    union all
    select
        'indexeddb',
        device_id,
        user_id,
        id,
        is_in_latest_dump,
        observed_at,
        dumped_at,
        last_seen_at,
        gone_at,
        gone_how,
        record,
        null::integer,
        origin,
        {%- for name, _, _, _ in attributes %}
        fields['{{ name }}']{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('base_indexeddb__rows') }}
    where table_entity = '{{ entity }}' and user_id is not null and id is not null
),

trimmed as (
    select
        {{ carried | join(', ') }},
        {%- for name, _, _, _ in attributes %}
        {{ blank_to_null(name ~ '_text') }} as {{ name }}_text{{ ',' if not loop.last }}
        {%- endfor %}
    from both_doors
),

typed as (
    select
        *,
        {%- for name, kind, _, _ in attributes %}
        {{ typed(name, kind) }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from trimmed
),

judged as (
    select
        *,
        {{ app_refusal(entity) }} as refusal
    from typed
),

contested as (
    select
        user_id,
        id
    from {{ ref('base_app__contested') }}
    where entity_type = '{{ entity }}'
)

select
    v.source,
    v.device_id,
    v.user_id,
    v.id,
    v.is_current,
    v.observed_at,
    v.dumped_at,
    v.last_seen_at,
    v.gone_at,
    v.gone_how,
    {%- for name, _, _, _ in attributes %}
    v.{{ name }},
    {%- endfor %}
    v.refusal,
    c.id is not null as is_contested,
    case when v.refusal is not null or c.id is not null then v.record end as record,
    case when v.refusal is not null then coalesce(v.origin, p.part_key) end as origin
from judged as v
left join {{ source('raw', 'parts') }} as p on v.part_number = p.part_number
left join contested as c on v.user_id = c.user_id and v.id = c.id
{%- endmacro -%}

{#- One row a record: the copy that counts, and whether the record is deleted. Most records have one copy only; the
    rules are asked only where several copies, or a waiting operation of a browser, speak of one record. -#}
{%- macro app_records(entity) -%}
{%- set chosen = [] -%}
{%- for name, _, _, _ in app_attributes(entity) %}{% do chosen.append(name) %}{% endfor -%}
{%- set columns = (['user_id', 'id'] + chosen + ['created_at', 'updated_at']) | join(', ') -%}
{%- set versions = ref('base_app__' ~ app_entities()[entity][0]) -%}
with waiting as (
    select *
    from {{ ref('base_indexeddb__pending') }}
    where coalesce(entity_type, '{{ entity }}') = '{{ entity }}'
),

waiting_deletes as (
    select
        user_id,
        id,
        max(dumped_at) as deleted_at
    from waiting
    where is_delete
    group by user_id, id
),

waiting_rows as (
    select distinct
        user_id,
        device_id,
        id
    from waiting
),

several as (
    select
        v.*,
        v.source = 'indexeddb' and v.is_current and w.id is not null as is_waiting,
        case when v.updated_at > v.observed_at then v.observed_at else v.updated_at end as written_at,
        bool_or(v.source = 'dynamodb') over same_record as is_known_to_dynamodb,
        bool_or(v.source = 'dynamodb' and v.is_current) over same_record as is_in_dynamodb
    from {{ versions }} as v
    left join waiting_rows as w on v.user_id = w.user_id and v.device_id = w.device_id and v.id = w.id
    where v.is_contested
    window same_record as (partition by v.user_id, v.id)
),

weighed as (
    select
        *,
        case when is_waiting then dumped_at else written_at end as counts_from,
        is_current and (source = 'dynamodb' or is_waiting or is_in_dynamodb or not is_known_to_dynamodb) as is_live
    from several
),

flagged as (
    select
        *,
        not bool_or(is_live) over (partition by user_id, id) as is_gone
    from weighed
),

winners as (
    select
        f.*,
        f.is_gone or coalesce(d.deleted_at >= f.written_at, d.id is not null) as is_deleted
    from flagged as f
    left join waiting_deletes as d on f.user_id = d.user_id and f.id = d.id
    where f.refusal is null
    qualify row_number() over (
        partition by f.user_id, f.id
        order by
            f.is_live desc, f.counts_from desc nulls last, f.is_waiting desc,
            f.source asc, f.observed_at desc, f.updated_at desc nulls last, f.record asc
    ) = 1
)

select
    {{ columns }},
    not is_current as is_deleted
from {{ versions }}
where not is_contested and refusal is null
union all
select
    {{ columns }},
    is_deleted
from winners
{%- endmacro -%}
