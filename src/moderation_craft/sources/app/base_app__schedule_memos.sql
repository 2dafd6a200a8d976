{{ app_versions('schedule_memo') }}
