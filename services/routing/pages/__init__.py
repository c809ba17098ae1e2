"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.routing.pages import (
    assignment,
    assignment_routes,
    assignments,
    auto_dispatch,
    availability_routes,
    contact,
    coverage,
    dispatch,
    exception,
    exceptions,
    imports,
    installer,
    installer_routes,
    installers,
    new_installer,
)

LISTINGS = (
    assignments.LISTING,
    exceptions.LISTING,
    installers.LISTING,
)
BULK_LISTINGS = (*LISTINGS, imports.IMPORTS)
"""Whose bulk actions are run: a list's own, and those whose rows a sheet names."""
ROUTES = (
    *assignment.ROUTES,
    *assignment_routes.ROUTES,
    *assignments.ROUTES,
    *auto_dispatch.ROUTES,
    *availability_routes.ROUTES,
    *contact.ROUTES,
    *coverage.ROUTES,
    *dispatch.ROUTES,
    *exception.ROUTES,
    *exceptions.ROUTES,
    *imports.ROUTES,
    *installer.ROUTES,
    *installer_routes.ROUTES,
    *installers.ROUTES,
    *new_installer.ROUTES,
)
