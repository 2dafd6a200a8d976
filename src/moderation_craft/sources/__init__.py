"""IN: one folder a source, found by scanning; sources know the lake and nothing of marts."""
