"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from typing import Any

from chassis.console.listing import Listing
from services.billing.pages import adjustment, adjustments

LISTINGS: tuple[Listing, ...] = (adjustments.LISTING,)
ROUTES: tuple[Any, ...] = (*adjustments.ROUTES, *adjustment.ROUTES)
