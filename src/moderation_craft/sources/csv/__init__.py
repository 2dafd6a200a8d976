"""Anybody's spreadsheet: any CSV with a date becomes daily measures."""
