"""HTTP in: translate, one command or query, translate back."""

ROUTES = ()
