{{ app_versions('time_entries') }}
