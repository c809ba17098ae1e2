"""The living design pages, served to the people who build the console: every part and page kind with made-up content.

They are made of what the rooms are made of: the list is a list of the list machinery, the document a document.
"""

from litestar.types import ControllerRouterHandler

from chassis.console.design import bulk, document, listing, parts

ROUTES: tuple[ControllerRouterHandler, ...] = (*parts.ROUTES, *document.ROUTES, *bulk.ROUTES)
"""Of pages that need nothing but the console."""

LISTS: tuple[ControllerRouterHandler, ...] = listing.ROUTES
"""The list takes a database that computes; none of its tables is read but that of saved views."""
