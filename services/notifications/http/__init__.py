"""The routes of notifications."""

from services.notifications.http import accounts, health, messages, suppressions, tickets

ROUTES = (*messages.ROUTES, *tickets.ROUTES, *health.ROUTES, *accounts.ROUTES, *suppressions.ROUTES)
