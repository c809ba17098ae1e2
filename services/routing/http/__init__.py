"""HTTP in: translate, one command or query, translate back."""

from services.routing.http import (
    answers,
    assignments,
    auto_dispatch,
    availability,
    coverage,
    delivery,
    exception_deeds,
    exceptions,
    imports,
    installers,
    leads,
    people,
    policies,
    preflight,
    replays,
    simulations,
)

ROUTES = (
    *answers.ROUTES,
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *delivery.ROUTES,
    *availability.ROUTES,
    *coverage.ROUTES,
    *exception_deeds.ROUTES,
    *exceptions.ROUTES,
    *imports.ROUTES,
    *installers.ROUTES,
    *leads.ROUTES,
    *people.ROUTES,
    *policies.ROUTES,
    *preflight.ROUTES,
    *replays.ROUTES,
    *simulations.ROUTES,
)
