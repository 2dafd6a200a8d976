{{ app_versions('big_task') }}
