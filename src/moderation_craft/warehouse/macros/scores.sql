{#- A score out of weighted parts: rescaled over the parts that are there; NULL under half of its weight. -#}

{#- The seed's row for one score: <part>_weight, <part>_target, total_weight. -#}
{%- macro score_weights(score, parts) -%}
select
    {%- for part in parts %}
    coalesce(max(p.weight) filter (where p.part = '{{ part }}'), 0)::double as {{ part }}_weight,
    max(p.target) filter (where p.part = '{{ part }}')::double as {{ part }}_target,
    {%- endfor %}
    sum(p.weight)::double as total_weight
from {{ ref('score_parts') }} as p
where p.score = '{{ score }}'
{%- endmacro -%}

{#- Points of one part: its weight times how much of the target was reached, at most 1. least() passes over NULLs. -#}
{%- macro points(part, value) -%}
case
    when {{ value }} is not null then w.{{ part }}_weight * least({{ value }} / nullif(w.{{ part }}_target, 0), 1.0)
end
{%- endmacro -%}

{#- Share of the score's weight whose parts are present, 0 to 1. -#}
{%- macro coverage(parts) -%}
(
    {%- for part in parts %}
    case when {{ part }}_points is not null then {{ part }}_weight else 0 end{% if not loop.last %} +{% endif %}
    {%- endfor %}
) / total_weight
{%- endmacro -%}

{%- macro rescaled(parts) -%}
case
    when {{ coverage(parts) }} >= 0.5
        then round(({% for part in parts %}coalesce({{ part }}_points, 0){% if not loop.last %} + {% endif %}{% endfor %}) / ({{ coverage(parts) }}), 6)
end
{%- endmacro -%}
