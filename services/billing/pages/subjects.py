"""Where the activity leads from what operators changed in billing, by the kind that the audit calls it."""

from collections.abc import Mapping

from chassis.console.doors import LIST, Door, at, named
from services.billing.pages import (
    accounts,
    certificates,
    credit_proposals,
    differences,
    month_page,
    month_runs,
    receivables,
    reconciliations,
    snapshot_parts,
    stripe_events,
)
from services.billing.pages.doors import DELIVERIES, INVOICES

# A client's invoice has its page elsewhere: that of an installer's leads on to it.
_INVOICE = at(INVOICES + "/{}")
_ACCOUNT = at(accounts.PATH + "/{}")
_MONTH = at(month_page.PATH + "/{}")

DOORS: Mapping[str, Door] = {
    "account": _ACCOUNT,
    "certificate": at(certificates.PATH + "/{}"),
    "close_run_export": at(month_runs.PATH + "/{}"),
    "credit_request": at(credit_proposals.PATH + "/{}"),
    "delivery": at(DELIVERIES + "/{}"),
    "difference": at(differences.PATH + "/{}"),
    # An installer's prices are told on its account, which has the same id.
    "installer": _ACCOUNT,
    "invoice": _INVOICE,
    "invoice_export": _INVOICE,
    "month_export": _MONTH,
    "period": _MONTH,
    "receivables_snapshot": at(snapshot_parts.PATH + "/{}"),
    "reconciliation": at(reconciliations.PATH + "/{}"),
    "statement_export": _ACCOUNT,
    "stripe_event": at(stripe_events.PATH + "/{}"),
    "stripe_roles": at(differences.STRIPE),
    LIST: named({"owed_invoices": receivables.BEHIND, receivables.ROOM: receivables.PATH}),
}
