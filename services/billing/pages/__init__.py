"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from typing import Any

from chassis.console.listing import Listing
from services.billing.pages import (
    adjustment,
    adjustments,
    journal,
    month_close,
    overdue,
    receivables,
    stripe_event,
    stripe_events,
    trial_balance,
)

LISTINGS: tuple[Listing, ...] = (adjustments.LISTING, journal.LISTING, overdue.LISTING, stripe_events.LISTING)
ROUTES: tuple[Any, ...] = (
    *month_close.ROUTES,
    *receivables.ROUTES,
    *overdue.ROUTES,
    *adjustments.ROUTES,
    *adjustment.ROUTES,
    *journal.ROUTES,
    *trial_balance.ROUTES,
    *stripe_events.ROUTES,
    *stripe_event.ROUTES,
)
