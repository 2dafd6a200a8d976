{%- macro stage_minutes(point) -%}
{{ return(adapter.dispatch('stage_minutes', 'moderation_craft')(point)) }}
{%- endmacro -%}

{#- A sleep point's minutes by stage, MAP(type → DOUBLE): its summary (which may repeat a type), else its
    intervals added up. -#}
{%- macro default__stage_minutes(point) -%}
coalesce(
    nullif(
        map_from_entries(
            list_transform(
                list_distinct(json_transform({{ point }} -> '$.sleep.summary.stagesSummary', '[{"type": "VARCHAR"}]')),
                lambda stage: struct_pack(
                    k := stage."type",
                    v := list_max(
                        list_transform(
                            list_filter(
                                json_transform(
                                    {{ point }} -> '$.sleep.summary.stagesSummary',
                                    '[{"type": "VARCHAR", "minutes": "DOUBLE"}]'
                                ),
                                lambda other: other."type" = stage."type"
                            ),
                            lambda other: other.minutes
                        )
                    )
                )
            )
        ),
        map()
    ),
    map_from_entries(
        list_transform(
            list_distinct(json_transform({{ point }} -> '$.sleep.stages', '[{"type": "VARCHAR"}]')),
            lambda stage: struct_pack(
                k := stage."type",
                v := list_sum(
                    list_transform(
                        list_filter(
                            json_transform(
                                {{ point }} -> '$.sleep.stages',
                                '[{"type": "VARCHAR", "startTime": "VARCHAR", "endTime": "VARCHAR"}]'
                            ),
                            lambda other: other."type" = stage."type"
                        ),
                        lambda other: date_diff(
                            'second', try_cast(other.startTime as timestamptz), try_cast(other.endTime as timestamptz)
                        )
                    )
                ) / 60.0
            )
        )
    )
)
{%- endmacro -%}


{%- macro night_id(started_local, ended_local) -%}
{{ return(adapter.dispatch('night_id', 'moderation_craft')(started_local, ended_local)) }}
{%- endmacro -%}

{#- The id of a sleep or an exercise by its wall clocks: Google names points anew, archives by their own numbers and
    without a zone, but all of them say when it began and ended. -#}
{%- macro default__night_id(started_local, ended_local) -%}
md5(strftime({{ started_local }}, '%Y-%m-%dT%H:%M:%S') || '/' || strftime({{ ended_local }}, '%Y-%m-%dT%H:%M:%S'))
{%- endmacro -%}
