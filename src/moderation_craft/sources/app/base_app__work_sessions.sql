{{ app_versions('work_session') }}
