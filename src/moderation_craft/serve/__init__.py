"""SHOW: the API and the pages, on loopback only."""
