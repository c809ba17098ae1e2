"""The routes of intake. Those of lead sources need the key ring: `source_routes` makes them."""

from services.intake.http import boards, clients, leads, ndas, sources
from services.intake.http.submissions import source_routes

ROUTES = (*leads.ROUTES, *sources.ROUTES, *clients.ROUTES, *boards.ROUTES, *ndas.ROUTES)

__all__ = ["ROUTES", "source_routes"]
