{{ app_versions('small_task') }}
