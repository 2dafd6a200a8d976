{#- Every value lies within its [least, most]; null leaves a side open. One row a breach, naming the column. -#}
{% test in_ranges(model, ranges) %}
    {% for column, bounds in ranges.items() %}
    select
        '{{ column }}' as column_name,
        {{ column }}::double as value
    from {{ model }}
    where false
        {%- if bounds[0] is not none %} or {{ column }} < {{ bounds[0] }}{% endif %}
        {%- if bounds[1] is not none %} or {{ column }} > {{ bounds[1] }}{% endif %}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{% endtest %}
