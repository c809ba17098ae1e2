"""Every SELECT of billing, as plain functions that take a session."""
