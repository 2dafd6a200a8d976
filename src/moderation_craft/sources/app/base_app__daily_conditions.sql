{{ app_versions('daily_condition') }}
