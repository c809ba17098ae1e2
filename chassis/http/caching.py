"""What others may keep of an answer."""

NO_STORE = {"Cache-Control": "no-store"}
"""For every answer that holds a token or a secret, or that is true at this moment alone."""
