"""HTTP in: translate, one command or query, translate back."""

from services.payouts.http import boards, experts, payouts, webhooks

ROUTES = (*experts.ROUTES, *boards.ROUTES, *payouts.ROUTES, *webhooks.ROUTES)
