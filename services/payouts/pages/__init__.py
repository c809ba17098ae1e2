"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from litestar.handlers import HTTPRouteHandler

from chassis.console.listing import routes_of
from services.payouts.pages import expert, experts, payout, payouts
from services.payouts.settings import Settings


def routes(settings: Settings) -> tuple[HTTPRouteHandler, ...]:
    """When the next sweep goes is the settings' to say."""
    return (*routes_of(payouts.listing(settings)), *payout.ROUTES, *experts.ROUTES, *expert.ROUTES)
