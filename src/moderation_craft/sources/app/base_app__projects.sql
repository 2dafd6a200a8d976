{{ app_versions('project') }}
