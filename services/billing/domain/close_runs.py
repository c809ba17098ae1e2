"""A run over a month: what it does to each installer, and what a person can do where it did not."""

from dataclasses import dataclass
from enum import StrEnum

from services.billing.domain.tax_invoice import Blocker, Owner


class RunKind(StrEnum):
    DRAFT = "draft"
    ISSUE = "issue"


class RunState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"


class RunOutcome(StrEnum):
    """`unchanged`: there was nothing to do. `blocked`: the gate before issue named what is in the way.

    `failed`: it was refused, or failed for a fault of ours; either way nothing of it was changed.
    """

    DRAFTED = "drafted"
    REDRAFTED = "redrafted"
    ISSUED = "issued"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"
    FAILED = "failed"

    @property
    def is_written(self) -> bool:
        return self in {RunOutcome.DRAFTED, RunOutcome.REDRAFTED, RunOutcome.ISSUED}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why nothing came of an installer's month: `owner` is who can cure it, `cure` how."""

    code: str
    detail: str
    owner: Owner
    cure: str


ACCOUNT = "Complete the installer's record in routing, then run it again"
SELLER = "Set the seller's particulars of this deployment, then run it again"
REDRAFT = "Generate drafts again, then run it again"
ON_THE_INVOICE = "Look at the invoice: its lines and its total do not agree"
STRIPE_INVOICE = "Put the invoice right in Stripe, or keep another reference on the draft, then run it again"

CURES = {
    "late_deliveries": "Charge them by a debit on the invoice, or void them",
    "held_deliveries": "Add a price that covers them, then run it again",
    "deliveries_unrecorded": "Replay them or discard them with a reason, then run it again",
    "draft_is_stale": REDRAFT,
    "lines_missing": REDRAFT,
    "invoice_not_a_draft": "Generate drafts again: the invoice was voided meanwhile",
    "due_before_issue": "Choose a later day, then run it again",
    "period_not_ended": "Run it again when the month has ended",
    "fault": "Run it again; where it fails again, tell who runs the platform",
    "stripe_reference_changed": "Run it again: it looks the new reference up",
    "stripe_unavailable": "Run it again when Stripe answers",
    "stripe_reference_missing": "Make the invoice in Stripe from its export and keep its id on the draft",
    "buyer_email_missing": ACCOUNT,
    "buyer_identity_missing": ACCOUNT,
    **dict.fromkeys(("seller_name_missing", "seller_abn_missing", "seller_abn_invalid"), SELLER),
    "seller_address_missing": SELLER,
    **dict.fromkeys(("stripe_invoice_unknown", "stripe_invoice_not_open"), STRIPE_INVOICE),
    **dict.fromkeys(("stripe_currency_mismatch", "stripe_total_mismatch", "stripe_customer_mismatch"), STRIPE_INVOICE),
    "stripe_line_differs": STRIPE_INVOICE,
}
OTHERWISE = ON_THE_INVOICE
FAULT = Reason("fault", "it failed for a fault of ours, and nothing was changed", Owner.PLATFORM, CURES["fault"])


def reason_of(code: str, detail: str, owner: Owner = Owner.FINANCE) -> Reason:
    return Reason(code, detail, owner, CURES.get(code, OTHERWISE))


def reason_of_blocker(blocker: Blocker) -> Reason:
    return reason_of(blocker.code, blocker.detail, blocker.owner)
