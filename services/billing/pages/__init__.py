"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from typing import Any

from chassis.console.listing import Listing

LISTINGS: tuple[Listing, ...] = ()
ROUTES: tuple[Any, ...] = ()
