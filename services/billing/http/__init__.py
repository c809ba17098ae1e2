"""HTTP in: translate, one command or query, translate back."""

from services.billing.http import (
    accounts,
    adjustments,
    close_runs,
    credit_proposals,
    deliveries,
    exports,
    holds,
    invoices,
    issuing,
    journal,
    ops_invoices,
    payments,
    periods,
    references,
    stripe,
    voids,
)

ROUTES = (
    *accounts.ROUTES,
    *adjustments.ROUTES,
    *close_runs.ROUTES,
    *credit_proposals.ROUTES,
    *deliveries.ROUTES,
    *exports.ROUTES,
    *holds.ROUTES,
    *invoices.ROUTES,
    *issuing.ROUTES,
    *journal.ROUTES,
    *ops_invoices.ROUTES,
    *payments.ROUTES,
    *periods.ROUTES,
    *references.ROUTES,
    *stripe.ROUTES,
    *voids.ROUTES,
)
