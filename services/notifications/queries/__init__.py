"""Every SELECT of notifications."""
