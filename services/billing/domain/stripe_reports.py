"""Reports that a person takes from Stripe's dashboard, as CSV: the rows of the balance, and the invoices."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, DecimalException

from services.billing.domain.reconciliation import ItemKind, Report, StripeItem

MOST_ROWS = 50_000
MOST_FAULTS = 20
LARGEST_AMOUNT = Decimal(10) ** 12
LONGEST_TEXT = 255

# Stripe names the same column otherwise in its dashboard's export and in its scheduled reports.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("balance_transaction_id", "id"),
    "type": ("type", "reporting_category"),
    "source": ("source_id", "source"),
    "amount": ("gross", "amount", "total"),
    "fee": ("fee", "fees"),
    "currency": ("currency",),
    "created": ("created_utc", "created (utc)", "created", "date (utc)", "finalized_at_utc"),
    "status": ("status",),
    "payment": ("payment_intent_id", "paymentintent id", "payment intent"),
    "charge": ("charge_id",),
}
_NEEDED: Mapping[Report, tuple[str, ...]] = {
    Report.BALANCE: ("id", "type", "source", "amount", "fee", "currency", "created"),
    Report.INVOICES: ("id", "amount", "currency", "created", "status"),
}
_CHARGES = frozenset({"charge", "payment"})
_REFUNDS = frozenset({"refund", "payment_refund"})
_OUR_WORDS = {"transfer_reversal": "transfer_refund"}
"""A reporting category where the type of the row itself is otherwise."""
_INSTANTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class RowFault:
    """`line` counts from 1, the heads' line."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class ReadReport:
    """Either items or faults: of a report with a fault in it nothing is taken."""

    items: Sequence[StripeItem]
    faults: Sequence[RowFault]


class _Wrong(ValueError):
    """What is wrong with a row, in a few words."""


def read_report(report: Report, content: str) -> ReadReport:
    lines = csv.reader(io.StringIO(content.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
    try:
        heads = [head.strip().lower() for head in next(lines, [])]
        places = _places(report, heads)
        if isinstance(places, RowFault):
            return ReadReport((), (places,))
        return _read_rows(report, places, lines)
    except csv.Error as fault:
        return ReadReport((), (RowFault(lines.line_num, f"it is no CSV: {fault}"),))


def _places(report: Report, heads: Sequence[str]) -> dict[str, int] | RowFault:
    found = {
        name: next(heads.index(each) for each in names if each in heads)
        for name, names in _NAMES.items()
        if any(each in heads for each in names)
    }
    missing = [_NAMES[name][0] for name in _NEEDED[report] if name not in found]
    return RowFault(1, f"these columns are missing: {', '.join(missing)}") if missing else found


def _read_rows(report: Report, places: Mapping[str, int], lines: Iterator[list[str]]) -> ReadReport:
    items: list[StripeItem] = []
    faults: list[RowFault] = []
    for number, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if number > MOST_ROWS + 1:
            return ReadReport((), (RowFault(number, f"there are more than {MOST_ROWS:,} rows: take a shorter span"),))
        row = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
        try:
            items += _READERS[report](row)
        except _Wrong as wrong:
            faults.append(RowFault(number, str(wrong)))
    if not items and not faults:
        faults.append(RowFault(2, "it has no rows"))
    return ReadReport((), faults[:MOST_FAULTS]) if faults else ReadReport(items, ())


def _balance_row(row: Mapping[str, str]) -> list[StripeItem]:
    """The row of the balance, and what it is of: a charge or a refund that succeeded."""
    type_ = _OUR_WORDS.get(row["type"], row["type"])
    amount_cents, currency, created_at = _cents(row["amount"]), _currency(row), _instant(row["created"])
    source = row["source"]
    movement = StripeItem(
        ItemKind.MOVEMENT,
        _id(row, "txn_"),
        "available",
        amount_cents,
        currency,
        created_at,
        fee_cents=_cents(row["fee"]),
        type=type_,
        source_ref=source or None,
    )
    payment = row.get("payment") or row.get("charge")
    if type_ in _CHARGES and source:
        reference = row.get("payment") or source
        charge = StripeItem(
            ItemKind.CHARGE, source, "succeeded", amount_cents, currency, created_at, payment_ref=reference
        )
        return [movement, charge]
    if type_ in _REFUNDS and source and payment:
        refund = StripeItem(
            ItemKind.REFUND, source, "succeeded", -amount_cents, currency, created_at, payment_ref=payment
        )
        return [movement, refund]
    return [movement]


def _invoice_row(row: Mapping[str, str]) -> list[StripeItem]:
    if not row["status"].isalpha() or len(row["status"]) > LONGEST_TEXT:
        raise _Wrong("status is none")
    return [
        StripeItem(
            ItemKind.INVOICE,
            _id(row, "in_"),
            row["status"].lower(),
            _cents(row["amount"]),
            _currency(row),
            _instant(row["created"]),
        )
    ]


_READERS: Mapping[Report, Callable[[Mapping[str, str]], list[StripeItem]]] = {
    Report.BALANCE: _balance_row,
    Report.INVOICES: _invoice_row,
}


def _id(row: Mapping[str, str], prefix: str) -> str:
    if any(len(cell) > LONGEST_TEXT or not cell.isprintable() for cell in row.values()):
        raise _Wrong("a cell is longer than Stripe writes any, or not to be printed")
    if not re.fullmatch(prefix + r"[A-Za-z0-9_]{3,240}", row["id"]):
        raise _Wrong(f"{row['id'][:40] or 'nothing'} is no id that begins with {prefix}")
    return row["id"]


def _currency(row: Mapping[str, str]) -> str:
    currency = row["currency"].lower()
    if not re.fullmatch(r"[a-z]{3}", currency):
        raise _Wrong("currency is none")
    return currency


def _cents(written: str) -> int:
    """Stripe's reports are in dollars."""
    try:
        cents = Decimal(written.replace(",", "") or "0") * 100
        is_whole = cents.is_finite() and abs(cents) <= LARGEST_AMOUNT and cents == cents.to_integral_value()
    except DecimalException:
        is_whole = False
    if not is_whole:
        raise _Wrong(f"{written[:40]} is no amount in dollars")
    return int(cents)


def _instant(written: str) -> datetime:
    for form in _INSTANTS:
        try:
            return datetime.strptime(written, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise _Wrong(f"{written[:40]} is no time in UTC, as 2026-03-31 14:05:00")
