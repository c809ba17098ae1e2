"""A Stripe of our own for laptops and tests, reached by the real SDK over HTTP. See README.md beside this file."""

PINNED_API_VERSION = "2026-10-28.endive"
"""The version that stripe-python 16.1.0 asks for; the object shapes here are those of this version alone."""
