"""HTTP in: translate, one command or query, translate back."""

from services.routing.http import (
    answers,
    assignments,
    auto_dispatch,
    delivery,
    exceptions,
    installers,
    leads,
    replays,
    simulations,
)

ROUTES = (
    *answers.ROUTES,
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *delivery.ROUTES,
    *exceptions.ROUTES,
    *installers.ROUTES,
    *leads.ROUTES,
    *replays.ROUTES,
    *simulations.ROUTES,
)
