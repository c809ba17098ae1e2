"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.billing.pages import (
    account,
    accounts,
    client_invoice,
    client_invoices,
    deliveries,
    delivery,
    held,
    invoice,
    invoice_deeds,
    invoices,
    lines,
    plans,
)

LISTINGS = (deliveries.LISTING, held.LISTING, invoices.LISTING, client_invoices.LISTING, accounts.LISTING)
ROUTES = (
    *deliveries.ROUTES,
    *delivery.ROUTES,
    *held.ROUTES,
    *invoices.ROUTES,
    *invoice.ROUTES,
    *invoice_deeds.ROUTES,
    *client_invoices.ROUTES,
    *client_invoice.ROUTES,
    *lines.ROUTES,
    *accounts.ROUTES,
    *account.ROUTES,
    *plans.ROUTES,
)
