{#- The time slots of a day, in order; their hours are in seeds/time_slots.csv. -#}
{%- macro time_slots() -%}
{{ return(['early_morning', 'morning', 'late_morning', 'afternoon', 'late_afternoon', 'evening', 'night']) }}
{%- endmacro -%}
