"""HTTP in: translate, one command or query, translate back."""

from services.routing.http import assignments, auto_dispatch, exceptions, installers, leads

ROUTES = (
    *installers.ROUTES,
    *exceptions.ROUTES,
    *assignments.ROUTES,
    *leads.ROUTES,
    *auto_dispatch.ROUTES,
)
