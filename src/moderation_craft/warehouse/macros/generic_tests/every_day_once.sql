{#- Each person's days run from the first to the last without a gap or a repeat. -#}
{% test every_day_once(model) %}
    select
        user_id,
        min(date) as first_date,
        max(date) as last_date,
        count(*) as days
    from {{ model }}
    group by user_id
    having count(*) <> max(date) - min(date) + 1 or count(*) <> count(distinct date)
{% endtest %}
