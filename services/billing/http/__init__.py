"""HTTP in: translate, one command or query, translate back."""

from services.billing.http import (
    accounts,
    adjustments,
    credit_proposals,
    deliveries,
    exports,
    holds,
    invoices,
    journal,
    ops_invoices,
    payments,
    periods,
    references,
    stripe,
)

ROUTES = (
    *accounts.ROUTES,
    *holds.ROUTES,
    *deliveries.ROUTES,
    *periods.ROUTES,
    *invoices.ROUTES,
    *exports.ROUTES,
    *payments.ROUTES,
    *adjustments.ROUTES,
    *credit_proposals.ROUTES,
    *ops_invoices.ROUTES,
    *journal.ROUTES,
    *references.ROUTES,
    *stripe.ROUTES,
)
