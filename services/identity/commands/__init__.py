"""The use cases of identity, by noun."""
