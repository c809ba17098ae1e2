"""A statement of account: what was charged and what came in from one day to another, and what is left to pay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.values import InvoiceKind
from services.billing.domain.abn import is_valid_abn, spaced
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import PostingKind
from services.billing.domain.printed import Printed
from services.billing.domain.tax_invoice import Party

MOST_LINES = 1_000
LONGEST_DAYS = 731


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A posting; positive is charged, negative came in or was credited. `note` is its document's or its reference."""

    posting_id: UUID
    posted_at: datetime
    kind: PostingKind
    cents: int
    number: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    invoice_id: UUID
    kind: InvoiceKind
    number: str
    issued_at: datetime
    due_at: datetime
    days_overdue: int
    owed_cents: int


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """Balances are what is owed less what the customer has with us: the account's part of the ledger at both ends."""

    from_day: date
    to_day: date
    opening_cents: int
    closing_cents: int
    lines: Sequence[StatementLine]
    open_invoices: Sequence[OpenInvoice]

    @property
    def charged_cents(self) -> int:
        return sum(line.cents for line in self.lines if line.cents > 0)

    @property
    def credited_cents(self) -> int:
        """As it is taken off: positive."""
        return -sum(line.cents for line in self.lines if line.cents < 0)

    @property
    def overdue_cents(self) -> int:
        return sum(each.owed_cents for each in self.open_invoices if each.days_overdue > 0)

    def balances(self) -> Iterator[tuple[StatementLine, int]]:
        """Each line with what the balance was after it."""
        balance = self.opening_cents
        for line in self.lines:
            balance += line.cents
            yield line, balance


_SAID = {
    PostingKind.INVOICE_ISSUED: "Tax invoice {number}",
    PostingKind.INVOICE_VOIDED: "Tax invoice {number} voided",
    PostingKind.PAYMENT_RECEIVED: "Payment for {number}",
    PostingKind.PAYMENT_REVERSED: "Payment for {number} taken back",
    PostingKind.CASH_UNAPPLIED: "Payment kept as credit",
    PostingKind.CREDIT_GIVEN: "Credit on {number}",
    PostingKind.DEBIT_CHARGED: "Debit on {number}",
    PostingKind.WRITTEN_OFF: "{number} written off",
    PostingKind.WRITE_OFF_REVERSED: "{number} owed again",
}


def description_of(line: StatementLine) -> str:
    said = _SAID.get(line.kind, line.kind.replace("_", " ").capitalize()).format(number=line.number or "an invoice")
    return f"{said}, {line.note}" if line.note else said


@dataclass(frozen=True, slots=True)
class Correspondents:
    seller: Party
    buyer: Party
    payment_details: str


def printed_statement(it: AccountStatement, parties: Correspondents, zone: ZoneInfo) -> Printed:
    """Its words and amounts, ready to be set; the PDF's own instant is the day that it is of, for the same bytes."""
    details = [line.strip() for line in parties.payment_details.splitlines() if line.strip()]
    return {
        "template": "statement.typ",
        "title": "Statement of account",
        "number": f"{_said_day(it.from_day)} to {_said_day(it.to_day)}",
        "instant": int(datetime(it.to_day.year, it.to_day.month, it.to_day.day, tzinfo=zone).timestamp()),
        "seller": {
            "name": parties.seller.name,
            "abn": spaced(parties.seller.abn or ""),
            "lines": _lines(parties.seller),
        },
        "buyer": {"name": parties.buyer.name, "lines": _lines(parties.buyer)},
        "facts": [_pair("From", _said_day(it.from_day)), _pair("To", _said_day(it.to_day))],
        "lines": list(_rows(it, zone)),
        "payment": details if it.closing_cents > 0 else [],
        "totals": [
            _pair("Opening balance", dollars(it.opening_cents)),
            _pair("Charged", dollars(it.charged_cents)),
            _pair("Paid or credited", dollars(-it.credited_cents)),
            _pair("Overdue", dollars(it.overdue_cents)),
        ],
        "total": _pair("Closing balance, AUD", dollars(it.closing_cents)),
        "open_title": f"Left to pay on {_said_day(it.to_day)}",
        "open": [_open(each, zone) for each in it.open_invoices],
        "note": "All amounts are in Australian dollars and include GST. A balance below zero is your credit with us. "
        "Entries stand on the day on which they were recorded.",
    }


def _rows(it: AccountStatement, zone: ZoneInfo) -> Iterator[Printed]:
    opening = dollars(it.opening_cents)
    yield {"date": _said_day(it.from_day), "description": "Opening balance", **_amounts(0, opening)}
    for line, balance in it.balances():
        day = _said_day(line.posted_at.astimezone(zone).date())
        yield {"date": day, "description": description_of(line), **_amounts(line.cents, dollars(balance))}


def _amounts(cents: int, balance: str) -> Printed:
    charged, credited = dollars(cents) if cents > 0 else "", dollars(-cents) if cents < 0 else ""
    return {"charged": charged, "credited": credited, "balance": balance}


def _open(each: OpenInvoice, zone: ZoneInfo) -> Printed:
    return {
        "number": each.number,
        "issued": _said_day(each.issued_at.astimezone(zone).date()),
        "due": _said_day(each.due_at.astimezone(zone).date()),
        "days": str(each.days_overdue) if each.days_overdue > 0 else "",
        "owed": dollars(each.owed_cents),
    }


def _lines(party: Party) -> list[str]:
    abn = [f"ABN {spaced(party.abn)}"] if party.abn and is_valid_abn(party.abn) else []
    return [*abn, *((party.address or "").splitlines()), *([party.email] if party.email else [])]


def _pair(label: str, value: str) -> Printed:
    return {"label": label, "value": value}


def _said_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
