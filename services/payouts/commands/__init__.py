"""The use cases of payouts, by noun."""
