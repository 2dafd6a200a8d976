{#- An arithmetic invariant: the condition is true, or unknown because a part is missing, on every row. -#}
{% test holds(model, condition) %}
    select * from {{ model }} where not coalesce({{ condition }}, true)
{% endtest %}
