"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.routing.pages import (
    answer,
    assignment,
    assignment_routes,
    assignments,
    auto_dispatch,
    availability_routes,
    channels,
    contact,
    coverage,
    delivery_routes,
    dispatch,
    exception,
    exception_routes,
    exceptions,
    imports,
    installer,
    installer_routes,
    installers,
    new_installer,
    simulation,
    simulations,
)

LISTINGS = (
    assignments.LISTING,
    channels.LISTING,
    exceptions.LISTING,
    installers.LISTING,
    *simulations.LISTINGS,
)
BULK_LISTINGS = (*LISTINGS, imports.IMPORTS)
"""Whose bulk actions are run: a list's own, and those whose rows a sheet names."""
ROUTES = (
    *answer.ROUTES,
    *assignment.ROUTES,
    *assignment_routes.ROUTES,
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *channels.ROUTES,
    *delivery_routes.ROUTES,
    *availability_routes.ROUTES,
    *contact.ROUTES,
    *coverage.ROUTES,
    *dispatch.ROUTES,
    *exception.ROUTES,
    *exception_routes.ROUTES,
    *exceptions.ROUTES,
    *imports.ROUTES,
    *installer.ROUTES,
    *installer_routes.ROUTES,
    *installers.ROUTES,
    *new_installer.ROUTES,
    *simulation.ROUTES,
    *simulations.ROUTES,
)
