"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.routing.pages import exception, exceptions

LISTINGS = (exceptions.LISTING,)
ROUTES = (*exceptions.ROUTES, *exception.ROUTES)
