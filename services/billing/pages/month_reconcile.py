"""The last step of a month's close: what was issued, against Stripe and against the ledger, in their own rooms."""

from collections.abc import Sequence

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Note
from chassis.console.wording import counted
from services.billing.models import Certificate, Reconciliation
from services.billing.pages import certificates as certified
from services.billing.pages.differences import OPEN, STRIPE
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import Screen
from services.billing.queries import certificates, reconciliations

BOOKS = (
    ("Compare with Stripe", STRIPE),
    ("What differs from Stripe", OPEN),
    ("Stripe's events that wait", "/console/stripe-events"),
    ("The ledger's trial balance", "/console/journal/trial-balance"),
    ("Certify the books", f"{certified.PATH}/new"),
)


async def _show(close: Close) -> Screen:
    compared = await reconciliations.last_finished(close.session)
    certificate = await certificates.last(close.session)
    text = (
        "Payments come by Stripe's webhooks or are recorded on the invoice. What Stripe has and we do not, or the "
        "other way round, is told in these rooms, each row with what mends it. The month is closed when nothing "
        "differs and the books are certified."
    )
    facts = [*_of_month(close), *_of_books(close, compared, certificate)]
    return Screen("Reconcile", text, notes=_notes(close, certificate), facts=facts, links=BOOKS)


def _of_month(close: Close) -> list[Fact]:
    figures = close.figures
    return [
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY, path=close.issued_path)),
        Fact("Owed", Shown(figures.unpaid_cents, Kind.MONEY, path=close.unpaid_path)),
        Fact("Overdue", Shown(figures.overdue_count, Kind.NUMBER, path=f"{close.invoices}&overdue=true")),
        Fact("Still drafts", Shown(figures.draft_count, Kind.NUMBER, path=close.drafts_path)),
    ]


def _of_books(close: Close, compared: Reconciliation | None, certificate: Certificate | None) -> list[Fact]:
    """Of all months: Stripe and the ledger are compared as a whole."""
    taken = certificate and Shown(certificate.taken_at, Kind.AGO, path=f"{certified.PATH}/{certificate.id}")
    return [
        Fact("Differences from Stripe", Shown(close.counts.differences, Kind.NUMBER, path=OPEN)),
        Fact("Compared with Stripe", Shown(compared.finished_at, Kind.AGO, path=STRIPE) if compared else "Never"),
        Fact("Books certified", taken or "Never"),
    ]


def _notes(close: Close, certificate: Certificate | None) -> Sequence[Note]:
    if certificate is not None and certificate.failed_count:
        told = counted(certificate.failed_count, "equality does not hold", "equalities do not hold")
        return [Note("The books do not tie", f"{told} in the last certificate.", "danger")]
    if close.counts.differences:
        told = counted(close.counts.differences, "difference", "differences")
        return [Note(f"{told} from Stripe to settle", "Each names what mends it and who sees to it.", "warning")]
    return []


def _state(close: Close) -> str:
    if close.counts.differences:
        return counted(close.counts.differences, "difference", "differences")
    return f"{close.figures.unpaid_count:,} unpaid" if close.figures.issued_count else "Nothing issued"


STEP = MonthStep("reconcile", "Reconcile", _state, _show)
