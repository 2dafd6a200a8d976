{{ app_versions('mood_entry') }}
