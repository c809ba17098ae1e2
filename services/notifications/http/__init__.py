"""The routes of notifications."""

from services.notifications.http import accounts, bounces, health, messages, suppressions, tickets

ROUTES = (*messages.ROUTES, *bounces.ROUTES, *tickets.ROUTES, *health.ROUTES, *accounts.ROUTES, *suppressions.ROUTES)
