"""The sections of an invoice's page: its lines, what was paid of it, and how it was adjusted."""

from chassis.console.cells import Kind, Shown
from chassis.console.documents import Table
from chassis.console.wording import counted
from services.billing.http.invoice_views import AdjustmentView, LineView, PaymentView
from services.billing.pages.doors import DELIVERIES, PAYMENTS, RECEIPTS
from services.billing.pages.invoice_page import SHOWN_LINES, InvoicePage
from services.billing.pages.invoice_words import adjustment_name

ADJUSTMENT_TONES = {"pending": "warning", "approved": "positive", "rejected": ""}


async def lines(page: InvoicePage) -> Table:
    detail = page.detail
    heads = [
        ("Description", Kind.TEXT),
        *([("Delivered", Kind.DAY)] if detail.period else []),
        ("Quantity", Kind.NUMBER),
        ("Price", Kind.MONEY),
        ("Ex GST", Kind.MONEY),
        ("GST", Kind.MONEY),
        ("Inc GST", Kind.MONEY),
    ]
    sums = [
        sum(getattr(line, name) for line in detail.lines) for name in ("ex_gst_cents", "gst_cents", "inc_gst_cents")
    ]
    foot: list[Shown | str] = [
        counted(len(detail.lines), "line", "lines"),
        *([""] * (3 if detail.period else 2)),
        *(Shown(cents, Kind.MONEY) for cents in sums),
    ]
    return Table(
        "Lines",
        heads,
        [_line(line, page) for line in page.shown_lines],
        empty="None: an invoice without lines cannot be issued.",
        foot=foot,
        note=f"The first {SHOWN_LINES} of {len(detail.lines):,}." if len(detail.lines) > SHOWN_LINES else "",
        more=("Its deliveries", f"{DELIVERIES}?invoice_id={detail.id}") if detail.period else None,
    )


def _line(line: LineView, page: InvoicePage) -> list[Shown | str]:
    delivery = line.delivery_event_id
    return [
        Shown(line.description, path=f"{DELIVERIES}/{delivery}" if delivery else ""),
        *([Shown(page.delivered.get(delivery) if delivery else None, Kind.DAY)] if page.detail.period else []),
        Shown(line.quantity, Kind.NUMBER),
        Shown(line.unit_price_cents, Kind.MONEY),
        Shown(line.ex_gst_cents, Kind.MONEY),
        Shown(line.gst_cents, Kind.MONEY),
        Shown(line.inc_gst_cents, Kind.MONEY),
    ]


async def payments(page: InvoicePage) -> Table:
    return Table(
        "Payments",
        (("Received", Kind.DAY), ("How", Kind.WORD), ("Reference", Kind.TEXT), ("By", Kind.TEXT), ("Paid", Kind.MONEY)),
        [
            (
                Shown(each.received_at, Kind.DAY, path=f"{PAYMENTS}/{each.id}"),
                Shown(each.method, Kind.WORD),
                _came_with(each),
                each.recorded_by,
                Shown(each.amount_cents, Kind.MONEY),
            )
            for each in page.detail.payments
        ],
        empty="Nothing came in yet.",
    )


async def adjustments(page: InvoicePage) -> Table:
    detail = page.detail
    return Table(
        "Adjustments",
        (
            ("Note", Kind.TEXT),
            ("Reason", Kind.WORD),
            ("State", Kind.CHIP),
            ("Asked by", Kind.TEXT),
            ("When", Kind.AGO),
            ("Ex GST", Kind.MONEY),
            ("Inc GST", Kind.MONEY),
        ),
        [
            (
                Shown(adjustment_name(each), path=f"/console/adjustments/{each.id}"),
                Shown(each.reason_code, Kind.WORD),
                Shown(each.state, Kind.CHIP, tones=ADJUSTMENT_TONES),
                each.made_by_name,
                Shown(each.created_at, Kind.AGO),
                Shown(_signed(each, each.ex_gst_cents), Kind.MONEY),
                Shown(_signed(each, each.inc_gst_cents), Kind.MONEY),
            )
            for each in detail.adjustments
        ],
        empty="None: it stands as it was issued." if detail.issued_at else "None: a draft itself is changed.",
    )


def _came_with(each: PaymentView) -> Shown:
    if each.receipt_id is not None:
        return Shown("With others, by one receipt", path=f"{RECEIPTS}/{each.receipt_id}")
    return Shown(each.reference or each.external_payment_ref or "")


def _signed(each: AdjustmentView, cents: int) -> int:
    return -cents if each.type == "credit" else cents
