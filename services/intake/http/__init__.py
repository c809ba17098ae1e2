"""The routes of intake. Those of lead sources need the key ring: `source_routes` makes them."""

from services.intake.http import (
    boards,
    clients,
    corrections,
    evidence,
    leads,
    ndas,
    sources,
)
from services.intake.http.submissions import source_routes

ROUTES = (
    *boards.ROUTES,
    *clients.ROUTES,
    *corrections.ROUTES,
    *evidence.ROUTES,
    *leads.ROUTES,
    *ndas.ROUTES,
    *sources.ROUTES,
)

__all__ = ["ROUTES", "source_routes"]
