"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.routing.pages import (
    assignment,
    assignments,
    auto_dispatch,
    dispatch,
    exception,
    exceptions,
    installer,
    installer_routes,
    installers,
    new_installer,
)

LISTINGS = (exceptions.LISTING, assignments.LISTING, installers.LISTING)
ROUTES = (
    *exceptions.ROUTES,
    *exception.ROUTES,
    *assignments.ROUTES,
    *assignment.ROUTES,
    *installers.ROUTES,
    *installer.ROUTES,
    *installer_routes.ROUTES,
    *new_installer.ROUTES,
    *dispatch.ROUTES,
    *auto_dispatch.ROUTES,
)
