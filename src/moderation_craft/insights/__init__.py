"""What can honestly be said about a person's days: statistics over the marts, written back as marts."""
