"""Google's side of a consent, as a local stand-in for the demo and the tests."""
