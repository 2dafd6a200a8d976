{#- Every combination that is not NULL in its last column exists in the other model. -#}
{% test refers_to(model, columns, to, to_columns) %}
    select m.*
    from {{ model }} as m
    left join {{ to }} as t
        on {% for column in columns %}m.{{ column }} = t.{{ to_columns[loop.index0] }}{% if not loop.last %} and {% endif %}{% endfor %}

    where m.{{ columns[-1] }} is not null and t.{{ to_columns[0] }} is null
{% endtest %}
