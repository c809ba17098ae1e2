"""The step of a month's close for what it comes to, installer by installer, beside what each was billed before."""

from collections.abc import Sequence

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note, Table, Told
from chassis.console.wording import counted
from contracts.values import ProductType
from services.billing.domain.month_close import FORMER_MONTHS, Outlier
from services.billing.domain.periods import Period
from services.billing.domain.statuses import EventStatus, InvoiceStatus
from services.billing.pages.doors import DELIVERIES, INVOICES
from services.billing.pages.month_page import Close, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more
from services.billing.queries import outliers
from services.billing.queries.outliers import Compared
from services.billing.queries.periods import Preview

PRICED = f"status={EventStatus.BILLABLE}"
"""What of a month's deliveries is billed."""
BILLED = [status for status in InvoiceStatus if status is not InvoiceStatus.VOID]
OUTLIERS = {
    Outlier.NOTHING_NOW: ("Nothing this month", "warning"),
    Outlier.FAR_MORE: ("Far more than usual", "warning"),
    Outlier.FAR_LESS: ("Far less than usual", "warning"),
    Outlier.FIRST_MONTH: ("First month", "info"),
}


async def _show(close: Close) -> Screen:
    session, period = close.session, close.period
    found = await outliers.compared(session, period, close.console.wording.zone, close.installer_ids)
    return _screen(period, _in_order(found), is_of_all=close.installer_ids is None)


def _in_order(found: Sequence[Compared]) -> list[Compared]:
    """Those unlike their former months first, then by what they come to."""
    return sorted(found, key=lambda each: (each.outlier is None, -each.cents, _name(each)))


def _name(each: Compared) -> str:
    return each.name or "Not known yet"


def _screen(period: Period, lines: Sequence[Compared], *, is_of_all: bool) -> Screen:
    previews = [line.preview for line in lines if line.preview]
    amounts = [each.amounts for each in previews]
    month = f"{DELIVERIES}?month={period.name}&{PRICED}"
    whole = month if is_of_all else ""
    sums = (
        *(_counted(sum(line.count(product) for line in lines), product, whole) for product in ProductType),
        Shown(sum(each.ex_gst_cents for each in amounts), Kind.MONEY, path=whole if amounts else ""),
        Shown(sum(each.gst_cents for each in amounts), Kind.MONEY),
        Shown(sum(each.inc_gst_cents for each in amounts), Kind.MONEY),
    )
    unlike = sum(line.outlier is not None for line in lines)
    heads = (
        ("Installer", Kind.TEXT),
        ("Against its former months", Kind.CHIP),
        ("Exclusive", Kind.NUMBER),
        ("Shared", Kind.NUMBER),
        ("Subtotal", Kind.MONEY),
        ("GST", Kind.MONEY),
        ("Total", Kind.MONEY),
        ("Usual subtotal", Kind.MONEY),
    )
    table = Table(
        "By installer",
        heads,
        [_preview_row(period, line) for line in lines[:MOST_ROWS]],
        empty="Nothing was delivered in the month.",
        foot=(counted(len(previews), "installer", "installers"), "", *sums, "") if lines else (),
        more=more(len(lines), (f"{DELIVERIES}?month={period.name}")),
        note=f"AUD. Usual is the median of up to {FORMER_MONTHS} former months; twice it or half of it is far from it.",
    )
    text = "What the month comes to, whether it is invoiced already or not. Looking changes nothing."
    notes = [Note(f"{counted(unlike, 'installer is', 'installers are')} unlike former months", tone="warning")]
    return Screen("Preview", text, notes=notes if unlike else (), tables=[table])


def _preview_row(period: Period, line: Compared) -> Sequence[Told]:
    amounts = line.preview.amounts if line.preview else None
    door = f"{DELIVERIES}?month={period.name}&installer_id={line.installer_id}"
    priced = f"{door}&{PRICED}" if amounts else ""
    invoice = _invoice_path(line.preview)
    former = f"{INVOICES}?account_id={line.installer_id}&status={'&status='.join(BILLED)}"
    return (
        Shown(_name(line), path=door),
        chip(*OUTLIERS[line.outlier]) if line.outlier else "",
        *(_counted(line.count(product), product, priced) for product in ProductType),
        Shown(amounts.ex_gst_cents if amounts else 0, Kind.MONEY, path=priced),
        Shown(amounts.gst_cents if amounts else 0, Kind.MONEY, path=invoice),
        Shown(amounts.inc_gst_cents if amounts else 0, Kind.MONEY, path=invoice),
        Shown(line.usual_cents, Kind.MONEY, path=former if line.usual_cents else ""),
    )


def _counted(number: int, product: ProductType, priced: str) -> Shown:
    return Shown(number, Kind.NUMBER, path=f"{priced}&product={product}" if priced and number else "")


def _invoice_path(preview: Preview | None) -> str:
    """Where there is one of the month: GST is of its sum, not of any delivery."""
    return f"{INVOICES}/{preview.invoice_id}" if preview is not None and preview.invoice_id is not None else ""


def _state(close: Close) -> str:
    return counted(close.figures.delivery_count, "delivery", "deliveries")


STEP = MonthStep("preview", "Preview", _state, _show)
