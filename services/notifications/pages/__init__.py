"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.notifications.pages import ticket, tickets

LISTINGS = (tickets.LISTING,)
ROUTES = (*tickets.ROUTES, *ticket.ROUTES)
