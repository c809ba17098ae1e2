"""The use cases of intake, by noun."""
