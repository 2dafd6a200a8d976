"""The browser's copy of the app's data, as dexie-export-import dumps it."""
