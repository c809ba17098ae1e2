"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.billing.pages import deliveries, delivery, held

LISTINGS = (deliveries.LISTING, held.LISTING)
ROUTES = (*deliveries.ROUTES, *delivery.ROUTES, *held.ROUTES)
