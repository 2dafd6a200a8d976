{{ app_versions('user') }}
