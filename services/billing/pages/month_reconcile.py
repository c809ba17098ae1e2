"""The last step of a month's close: what was issued, against Stripe and against the ledger, in their own rooms."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact
from services.billing.pages.doors import INVOICES
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen

BOOKS = (
    ("The ledger's trial balance", "/console/journal/trial-balance"),
    ("Stripe's events that wait", "/console/stripe-events"),
)


async def _show(close: Close) -> Screen:
    month, figures = close.period.name, close.figures
    of_month = f"{INVOICES}?month={month}"
    unpaid = f"{of_month}&status=issued&status=partially_paid"
    facts = [
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY, path=of_month)),
        Fact("Owed", Shown(figures.unpaid_cents, Kind.MONEY, path=unpaid)),
        Fact("Overdue", Shown(figures.overdue_count, Kind.NUMBER, path=f"{of_month}&overdue=true")),
        Fact("Still drafts", Shown(figures.draft_count, Kind.NUMBER, path=f"{of_month}&status=draft")),
    ]
    text = (
        "Payments come by Stripe's webhooks or are recorded on the invoice. What Stripe has and we do not, or the "
        "other way round, is told in these rooms, each row with what mends it."
    )
    return Screen("Reconcile", text, facts=facts, links=BOOKS)


def _state(close: Close) -> str:
    return f"{close.figures.unpaid_count:,} unpaid" if close.figures.issued_count else "Nothing issued"


STEP = MonthStep("reconcile", "Reconcile", _state, _show)
