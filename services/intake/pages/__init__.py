"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.intake.pages import (
    board,
    boards,
    client,
    clients,
    lead,
    leads,
    ndas,
    source,
    source_deeds,
    source_new,
    source_quality,
    source_spec,
    sources,
)

LISTINGS = (
    boards.LISTING,
    clients.LISTING,
    leads.LISTING,
    ndas.LISTING,
    sources.LISTING,
)
ROUTES = (
    *board.ROUTES,
    *boards.ROUTES,
    *client.ROUTES,
    *clients.ROUTES,
    *lead.ROUTES,
    *leads.ROUTES,
    *ndas.ROUTES,
    *source.ROUTES,
    *source_deeds.ROUTES,
    *source_new.ROUTES,
    *source_quality.ROUTES,
    *source_spec.ROUTES,
    *sources.ROUTES,
)
