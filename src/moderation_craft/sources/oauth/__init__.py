"""Consent: OAuth 2.0 with PKCE, and the tokens that come of it, encrypted at rest and refreshed once."""
