"""The use cases of routing, by noun."""
