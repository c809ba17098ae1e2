"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from litestar.handlers import HTTPRouteHandler

from chassis.console.listing import routes_of
from services.payouts.pages import expert, experts, participations, payout, payouts, split, splits, sweeps
from services.payouts.settings import Settings


def routes(settings: Settings) -> tuple[HTTPRouteHandler, ...]:
    """When the next sweep goes is the settings' to say, and so is the experts' part of a board."""
    return (
        *routes_of(payouts.listing(settings)),
        *payout.ROUTES,
        *experts.ROUTES,
        *expert.ROUTES,
        *routes_of(splits.listing(settings)),
        *split.ROUTES,
        *participations.ROUTES,
        *routes_of(sweeps.listing(settings)),
    )
