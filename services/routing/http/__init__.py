"""HTTP in: translate, one command or query, translate back."""

from services.routing.http import (
    assignments,
    auto_dispatch,
    availability,
    coverage,
    exceptions,
    imports,
    installers,
    leads,
    people,
    preflight,
    replays,
)

ROUTES = (
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *availability.ROUTES,
    *coverage.ROUTES,
    *exceptions.ROUTES,
    *imports.ROUTES,
    *installers.ROUTES,
    *leads.ROUTES,
    *people.ROUTES,
    *preflight.ROUTES,
    *replays.ROUTES,
)
