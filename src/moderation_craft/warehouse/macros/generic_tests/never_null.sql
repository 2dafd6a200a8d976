{#- One row a column that holds a NULL, with how many. -#}
{% test never_null(model, columns) %}
    {% for column in columns %}
    select
        '{{ column }}' as column_name,
        count(*) as rows_without
    from {{ model }}
    where {{ column }} is null
    having count(*) > 0
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
{% endtest %}
