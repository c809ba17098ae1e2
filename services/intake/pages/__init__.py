"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.intake.pages import (
    board,
    boards,
    client,
    clients,
    escalation_form,
    escalation_policy,
    escalations,
    follow_up,
    follow_ups,
    lead,
    leads,
    ndas,
    source,
    sources,
)

LISTINGS = (
    boards.LISTING,
    clients.LISTING,
    escalations.LISTING,
    follow_ups.LISTING,
    leads.LISTING,
    ndas.LISTING,
    sources.LISTING,
)
ROUTES = (
    *board.ROUTES,
    *boards.ROUTES,
    *client.ROUTES,
    *clients.ROUTES,
    *escalation_form.ROUTES,
    *escalation_policy.ROUTES,
    *escalations.ROUTES,
    *follow_up.ROUTES,
    *follow_ups.ROUTES,
    *lead.ROUTES,
    *leads.ROUTES,
    *ndas.ROUTES,
    *source.ROUTES,
    *sources.ROUTES,
)
