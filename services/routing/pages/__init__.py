"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.routing.pages import (
    answer,
    assignment,
    assignment_routes,
    assignments,
    auto_dispatch,
    channels,
    delivery_routes,
    dispatch,
    exception,
    exceptions,
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
ROUTES = (
    *answer.ROUTES,
    *assignment.ROUTES,
    *assignment_routes.ROUTES,
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *channels.ROUTES,
    *delivery_routes.ROUTES,
    *dispatch.ROUTES,
    *exception.ROUTES,
    *exceptions.ROUTES,
    *installer.ROUTES,
    *installer_routes.ROUTES,
    *installers.ROUTES,
    *new_installer.ROUTES,
    *simulation.ROUTES,
    *simulations.ROUTES,
)
