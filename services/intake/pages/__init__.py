"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.intake.pages import board, boards, client, clients, lead, leads, ndas, source, sources

LISTINGS = (leads.LISTING, sources.LISTING, boards.LISTING, clients.LISTING, ndas.LISTING)
ROUTES = (
    *leads.ROUTES,
    *lead.ROUTES,
    *sources.ROUTES,
    *source.ROUTES,
    *boards.ROUTES,
    *board.ROUTES,
    *clients.ROUTES,
    *client.ROUTES,
    *ndas.ROUTES,
)
