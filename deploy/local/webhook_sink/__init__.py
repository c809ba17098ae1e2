"""Servers of installers that take leads by webhook, for a laptop: they verify signatures, and fail when told to."""
