"""HTTP in: translate, one command or query, translate back."""

from services.routing.http import assignments, auto_dispatch, delivery, exceptions, installers, leads

ROUTES = (
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *delivery.ROUTES,
    *exceptions.ROUTES,
    *installers.ROUTES,
    *leads.ROUTES,
)
