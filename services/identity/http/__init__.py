"""HTTP in: translate, one command or query, translate back."""

from services.identity.http import console, credentials, operators, sessions, signing_keys

ROUTES = (*sessions.ROUTES, *credentials.ROUTES, *operators.ROUTES, *signing_keys.ROUTES, *console.ROUTES)
