"""Fitbit, through the Google Health API v4."""
