"""Every SELECT of routing, as plain functions of a session, by noun."""
