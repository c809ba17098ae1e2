"""The words and amounts of a document, ready to be set: the template chooses where they stand, never what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.values import AdjustmentType, GstTreatment, ProductType
from services.billing.domain.abn import is_valid_abn, spaced
from services.billing.domain.issuing import dollars
from services.billing.domain.tax_invoice import Party

PRODUCTS = {ProductType.EXCLUSIVE: "Exclusive leads delivered", ProductType.SHARED: "Shared leads delivered"}
"""What deliveries are summed up under, on the document as in the export for Stripe."""
LONGEST_LIST = 1_000
"""Deliveries that are printed one by one; a longer month is in the export, and the file stays small enough to mail."""

Printed = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """`delivered_at` where the line is a delivery. Amounts of the whole quantity."""

    description: str
    quantity: int
    unit_price_cents: int
    gst_treatment: GstTreatment
    ex_gst_cents: int
    gst_cents: int
    includes_gst: bool = False
    delivered_at: datetime | None = None
    group: str | None = None
    """What it is summed up under: the product of a delivery."""

    @property
    def inc_gst_cents(self) -> int:
        return self.ex_gst_cents + self.gst_cents


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """An issued invoice as it was frozen; `period` are its first and last instant."""

    number: str
    seller: Party
    buyer: Party
    issued_at: datetime
    due_at: datetime
    lines: Sequence[PrintedLine]
    subtotal_cents: int
    gst_cents: int
    total_cents: int
    period: tuple[datetime, datetime] | None = None
    purchase_order: str | None = None
    payment_details: str = ""
    payment_url: str | None = None


@dataclass(frozen=True, slots=True)
class NoteFacts:
    """An adjustment of an issued invoice, with the lines of the note that says so."""

    number: str
    type: AdjustmentType
    reason: str
    invoice: InvoiceFacts
    adjusted_at: datetime
    lines: Sequence[PrintedLine]
    ex_gst_cents: int
    gst_cents: int


def lead_description(product: ProductType, service: str, locality: str) -> str:
    """As `commands/drafts.py` writes it on the lines of a month."""
    kind = "Exclusive" if product is ProductType.EXCLUSIVE else "Shared"
    return f"{kind} lead, {service.replace('-', ' ').replace('_', ' ')}, {locality}"


def printed_invoice(facts: InvoiceFacts, zone: ZoneInfo) -> Printed:
    deliveries = [line for line in facts.lines if line.delivered_at is not None]
    shown = _grouped(facts.lines) if deliveries else facts.lines
    return {
        **_parties(facts),
        "title": "Tax invoice",
        "number": facts.number,
        "instant": int(facts.issued_at.timestamp()),
        "facts": _invoice_dates(facts, zone),
        "statement": [],
        "lines": [_line(line) for line in shown],
        "payment": _how_to_pay(facts, zone),
        "totals": _totals(facts.subtotal_cents, facts.gst_cents),
        "total": _pair("Total inc. GST, AUD", dollars(facts.total_cents)),
        "note": _note(facts.lines),
        "items_title": _items_title(deliveries),
        "items": [_item(number, line, zone) for number, line in enumerate(deliveries[:LONGEST_LIST], start=1)],
    }


def printed_note(facts: NoteFacts, zone: ZoneInfo) -> Printed:
    """An adjustment note says that it is one, of which invoice, why, and what it does to price and GST."""
    invoice, is_credit = facts.invoice, facts.type is AdjustmentType.CREDIT
    total_cents = facts.ex_gst_cents + facts.gst_cents
    effect = "reduced" if is_credit else "increased"
    return {
        **_parties(invoice),
        "title": "Adjustment note",
        "number": facts.number,
        "instant": int(facts.adjusted_at.timestamp()),
        "facts": [
            _pair("Date", _day(facts.adjusted_at, zone)),
            _pair("For tax invoice", invoice.number),
            _pair("Issued on", _day(invoice.issued_at, zone)),
            _pair("Reason", facts.reason),
        ],
        "statement": [
            f"The price of tax invoice {invoice.number} is {effect} by {dollars(total_cents)}, "
            f"of which {dollars(facts.gst_cents)} is GST."
        ],
        "lines": [_line(line) for line in facts.lines],
        "payment": [] if is_credit else _how_to_pay(invoice, zone),
        "totals": _totals(facts.ex_gst_cents, facts.gst_cents),
        "total": _pair("Credit inc. GST, AUD" if is_credit else "Debit inc. GST, AUD", dollars(total_cents)),
        "note": "All amounts are in Australian dollars.",
        "items_title": "",
        "items": [],
    }


def _parties(facts: InvoiceFacts) -> Printed:
    seller, buyer = facts.seller, facts.buyer
    return {
        "seller": {
            "name": seller.name,
            "abn": spaced(seller.abn or ""),
            "lines": [*_identity(seller), *([seller.email] if seller.email else [])],
        },
        "buyer": {"name": buyer.name, "lines": _identity(buyer)},
    }


def _identity(party: Party) -> list[str]:
    abn = [f"ABN {spaced(party.abn)}"] if party.abn and is_valid_abn(party.abn) else []
    return [*abn, *_address_lines(party.address)]


def _address_lines(address: str | None) -> list[str]:
    """By its own lines, else by its commas."""
    text = (address or "").strip()
    parts = text.splitlines() if "\n" in text else text.split(", ")
    return [part.strip() for part in parts if part.strip()]


def _invoice_dates(facts: InvoiceFacts, zone: ZoneInfo) -> list[Printed]:
    pairs = [_pair("Issue date", _day(facts.issued_at, zone)), _pair("Due date", _day(facts.due_at, zone))]
    if facts.period is not None:
        pairs.append(_pair("Period", f"{facts.period[0].astimezone(zone):%B %Y}"))
    if facts.purchase_order:
        pairs.append(_pair("Purchase order", facts.purchase_order))
    return pairs


def _grouped(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Deliveries of one product at one price as one line; the sums are of the lines, so they are exact."""
    groups: dict[tuple[str, int, GstTreatment, bool], list[PrintedLine]] = {}
    for line in lines:
        key = (line.group or line.description, line.unit_price_cents, line.gst_treatment, line.includes_gst)
        groups.setdefault(key, []).append(line)
    return [
        PrintedLine(
            description=group,
            quantity=sum(member.quantity for member in members),
            unit_price_cents=unit_price_cents,
            gst_treatment=treatment,
            ex_gst_cents=sum(member.ex_gst_cents for member in members),
            gst_cents=sum(member.gst_cents for member in members),
            includes_gst=members[0].includes_gst,
        )
        for (group, unit_price_cents, treatment, _), members in sorted(
            groups.items(), key=lambda item: (item[0][0], -item[0][1], item[0][2], item[0][3])
        )
    ]


def _line(line: PrintedLine) -> Printed:
    is_free = line.gst_treatment is GstTreatment.GST_FREE
    return {
        "description": line.description,
        "quantity": f"{line.quantity:,}",
        "unit_price": dollars(line.unit_price_cents),
        "ex_gst": dollars(line.ex_gst_cents),
        "gst": "GST-free" if is_free else dollars(line.gst_cents),
        "inc_gst": dollars(line.inc_gst_cents),
    }


def _item(number: int, line: PrintedLine, zone: ZoneInfo) -> Printed:
    delivered = line.delivered_at.astimezone(zone) if line.delivered_at else None
    return {
        "no": str(number),
        "date": f"{delivered.day} {delivered:%b %Y, %H:%M}" if delivered else "",
        **_line(line),
    }


def _items_title(deliveries: Sequence[PrintedLine]) -> str:
    if len(deliveries) > LONGEST_LIST:
        return f"Deliveries (the first {LONGEST_LIST:,} of {len(deliveries):,}; all of them are in the export)"
    return "Deliveries"


def _how_to_pay(facts: InvoiceFacts, zone: ZoneInfo) -> list[str]:
    details = [line.strip() for line in facts.payment_details.splitlines() if line.strip()]
    online = [f"Online: {facts.payment_url}"] if facts.payment_url else []
    return [f"By {_day(facts.due_at, zone)}, quoting {facts.number}.", *details, *online]


def _totals(ex_gst_cents: int, gst_cents: int) -> list[Printed]:
    return [_pair("Subtotal ex GST", dollars(ex_gst_cents)), _pair("GST (10%)", dollars(gst_cents))]


def _note(lines: Sequence[PrintedLine]) -> str:
    free = any(line.gst_treatment is GstTreatment.GST_FREE for line in lines)
    extent = "Lines marked GST-free carry no GST, all others are taxable." if free else "All lines are taxable."
    inside = "Unit prices include GST. " if any(line.includes_gst for line in lines) else ""
    return (
        f"All amounts are in Australian dollars. {inside}{extent} "
        "GST is calculated on the total of the invoice and rounded once to the nearest cent."
    )


def _pair(label: str, value: str) -> Printed:
    return {"label": label, "value": value}


def _day(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{local.day} {local:%B %Y}"
