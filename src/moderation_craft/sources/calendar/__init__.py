"""Calendars as iCalendar text, by address or file."""
