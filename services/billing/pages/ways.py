"""The way to what cures a month that cannot be drafted or issued: the same in its step as in what came of a run."""

from dataclasses import dataclass
from uuid import UUID

from markupsafe import Markup

from chassis.console import Console
from chassis.console.cells import link
from services.billing.pages.doors import INVOICES, account_path
from services.billing.pages.month_page import PATH

COMPARED = ("stripe_total_mismatch", "stripe_line_differs")
REFERRED = (
    "stripe_reference_missing",
    "stripe_reference_taken",
    "stripe_reference_changed",
    "stripe_invoice_unknown",
    "stripe_invoice_not_open",
    "stripe_currency_mismatch",
    "stripe_customer_mismatch",
)
DRAFTED = ("draft_is_stale", "lines_missing", "invoice_not_a_draft")
OF_THE_INSTALLER = ("buyer_email_missing", "buyer_identity_missing")


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Of one installer's month; `invoice_id` is None where it has no invoice."""

    code: str
    installer_id: UUID
    period: str
    invoice_id: UUID | None


def way_to_cure(each: InTheWay, console: Console) -> Markup:
    """A link, or nothing where no page does it."""
    label, path = _of_the_month(each, console) or _of_the_invoice(each) or ("", "")
    return link(path, label) if path else Markup("")


def _of_the_month(each: InTheWay, console: Console) -> tuple[str, str] | None:
    installer = ("The installer", console.addresses.url("routing", f"/console/installers/{each.installer_id}"))
    return {
        "held_deliveries": ("Add a price", f"{account_path(each.installer_id)}#set_prices-effective_day"),
        "deliveries_unrecorded": ("Replay or discard them", f"{PATH}/{each.period}/unrecorded"),
        **dict.fromkeys(DRAFTED, ("Draft again", f"{PATH}/{each.period}/drafts")),
        **dict.fromkeys(OF_THE_INSTALLER, installer),
    }.get(each.code)


def _of_the_invoice(each: InTheWay) -> tuple[str, str] | None:
    if each.invoice_id is None:
        return None
    invoice = f"{INVOICES}/{each.invoice_id}"
    return {
        "late_deliveries": ("Charge or void them", invoice),
        **dict.fromkeys(COMPARED, ("Compare with Stripe", f"{invoice}/stripe-comparison")),
        **dict.fromkeys(REFERRED, ("Keep its reference", f"{invoice}#do-keep_reference")),
    }.get(each.code)
