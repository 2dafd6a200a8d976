"""The same functions as AWS calls them: thin handlers, nothing of their own."""
