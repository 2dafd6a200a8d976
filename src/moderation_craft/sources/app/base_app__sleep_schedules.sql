{{ app_versions('sleep_schedule') }}
