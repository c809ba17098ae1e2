"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.notifications.pages import (
    account,
    bounce,
    email_health,
    message,
    messages,
    suppression,
    suppressions,
    ticket,
    tickets,
)

LISTINGS = (tickets.LISTING, messages.LISTING, suppressions.LISTING)
ROUTES = (
    *tickets.ROUTES,
    *ticket.ROUTES,
    *messages.ROUTES,
    *bounce.ROUTES,
    *message.ROUTES,
    *email_health.ROUTES,
    *account.ROUTES,
    *suppressions.ROUTES,
    *suppression.ROUTES,
)
