"""One module per resource of the API; each names its endpoints in `ROUTES`."""

from deploy.local.stripe.resources import (
    accounts,
    balance,
    charges,
    credit_notes,
    customers,
    events,
    invoice_actions,
    invoice_items,
    invoice_payments,
    invoices,
    payment_intents,
    payouts,
    tax_rates,
    topups,
    transfer_reversals,
    transfers,
    webhook_endpoints,
)

_MODULES = (
    accounts,
    balance,
    charges,
    credit_notes,
    customers,
    events,
    invoice_actions,
    invoice_items,
    invoice_payments,
    invoices,
    payment_intents,
    payouts,
    tax_rates,
    topups,
    transfer_reversals,
    transfers,
    webhook_endpoints,
)

ROUTES = [route for module in _MODULES for route in module.ROUTES]
