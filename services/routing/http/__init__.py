"""HTTP in: translate, one command or query, translate back."""

from services.routing.http import assignments, auto_dispatch, delivery, exceptions, installers, leads, replays

ROUTES = (
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *delivery.ROUTES,
    *exceptions.ROUTES,
    *installers.ROUTES,
    *leads.ROUTES,
    *replays.ROUTES,
)
