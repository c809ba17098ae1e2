"""The step of a month's close after its issue: what everybody owes from then on, as the receivables have it."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact
from services.billing.pages.doors import INVOICES
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen

RECEIVABLES = "/console/receivables"


async def _show(close: Close) -> Screen:
    figures, of_month = close.figures, f"{INVOICES}?month={close.period.name}"
    facts = [
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY, path=f"{of_month}&status=issued")),
        Fact("Owed of it", Shown(figures.unpaid_cents, Kind.MONEY, path=f"{of_month}&status=issued")),
    ]
    text = "What is owed is aged by its due day; the receivables show it as of any day, also of the one of this issue."
    return Screen("Receivables", text, facts=facts, links=[("Open the receivables", RECEIVABLES)])


def _state(close: Close) -> str:
    return "After the issue" if not close.figures.issued_count else f"{close.figures.issued_count:,} issued"


STEP = MonthStep("snapshot", "Receivables", _state, _show)
