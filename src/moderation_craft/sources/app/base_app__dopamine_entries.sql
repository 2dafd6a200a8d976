{{ app_versions('dopamine_entry') }}
