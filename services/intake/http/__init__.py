"""The routes of intake. Those of lead sources need the key ring: `source_routes` makes them."""

from services.intake.http import (
    boards,
    clients,
    corrections,
    crediting,
    duplicate_settings,
    duplicates,
    erasures,
    escalations,
    evidence,
    follow_ups,
    lead,
    leads,
    merging,
    ndas,
    ownership,
    quality,
    rejections,
    source_keys,
    sources,
)
from services.intake.http.submissions import source_routes

ROUTES = (
    *boards.ROUTES,
    *clients.ROUTES,
    *erasures.ROUTES,
    *escalations.ROUTES,
    *follow_ups.ROUTES,
    *corrections.ROUTES,
    *crediting.ROUTES,
    *duplicate_settings.ROUTES,
    *duplicates.ROUTES,
    *evidence.ROUTES,
    *lead.ROUTES,
    *leads.ROUTES,
    *merging.ROUTES,
    *ndas.ROUTES,
    *ownership.ROUTES,
    *quality.ROUTES,
    *rejections.ROUTES,
    *source_keys.ROUTES,
    *sources.ROUTES,
)

__all__ = ["ROUTES", "source_routes"]
