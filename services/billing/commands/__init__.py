"""The use cases of billing: load and lock, refuse, change, record the event, return. None commits."""
