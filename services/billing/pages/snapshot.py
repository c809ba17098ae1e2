"""One snapshot of the receivables as it was kept: by age, by account, beside the one before it; and as CSV."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from sqlalchemy import Row

from chassis import audit
from chassis.audit import Subject
from chassis.console import Console, Form, form_at, page_at
from chassis.console.cells import Kind, Shown, chip, plain_of
from chassis.console.documents import Document, Done, Fact, Note, Part, Table, Told, show_document
from chassis.console.lists.export import BOM, harmless
from chassis.console.lists.routes import CSV
from chassis.console.wording import counted, money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.receivables import INSTANT
from services.billing.domain.ageing import Age, Aged
from services.billing.domain.receivables import week_before
from services.billing.models import ReceivablesSnapshot, SnapshotAccount
from services.billing.pages import journal, snapshot_parts
from services.billing.pages.doors import account_path
from services.billing.pages.overdue import KINDS as ACCOUNT_KINDS
from services.billing.pages.receivables import AGES, BEHIND, HEADS, JOURNAL, MOST_ACCOUNTS, ROOM, csv_line
from services.billing.pages.snapshots import KINDS
from services.billing.queries import snapshots

PATH = snapshot_parts.PATH


class ExportForm(Form):
    """Nothing but the session's mark."""


@page_at(PATH + "/{snapshot_id:uuid}", Capability.READ_OPS)
async def show_snapshot(
    snapshot_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        snapshot = await snapshots.find(session, snapshot_id)
        found = await snapshots.accounts(session, snapshot_id, MOST_ACCOUNTS)
        zone = console.wording.zone
        before = await snapshots.latest_before(session, week_before(snapshot.as_of, zone) + INSTANT)
    document = Document(
        title=f"{KINDS[snapshot.kind]}, {snapshot_parts.told_instant(snapshot, zone)}",
        room=ROOM,
        up=("Snapshots", PATH),
        states=(chip("Ties with the journal", "positive") if snapshot.ties else chip("Does not tie", "danger"),),
        sentence=f"What had been recorded until then; taken by {_who(snapshot)}, and never changed since.",
        amount=money(snapshot.aged.total_cents),
        amount_note=f"AUD owed, {money(snapshot.aged.overdue_cents)} of it overdue",
        notes=[] if snapshot.ties else [_difference(snapshot)],
        facts=_facts(snapshot, zone),
        past=[snapshot_parts.take(operator)],
        sections=[
            _by_age(snapshot),
            snapshot_parts.compared("A week before, or as near to it as one was kept", snapshot.aged, before, "Then"),
            _by_account(snapshot, found),
            Part("Take it along", "owed_export.html", {"path": f"{PATH}/{snapshot.id}/export", "fields": {}}),
        ],
        timeline=None,
    )
    return show_document(console, request, document, done)


def _who(snapshot: ReceivablesSnapshot) -> str:
    return "Waybill" if snapshot.taken_by == audit.SYSTEM.name else snapshot.taken_by


def _difference(snapshot: ReceivablesSnapshot) -> Note:
    by = money(snapshot.aged.total_cents - snapshot.ledger_cents)
    told = "Tell the platform's keepers: nothing an operator does brings this about."
    return Note(f"The ageing and the journal differed by {by}", told, "danger")


def _facts(snapshot: ReceivablesSnapshot, zone: ZoneInfo) -> list[Fact]:
    postings = f"{JOURNAL}?on=receivable&snapshot={snapshot.id}"
    sold = journal.sales(snapshot.month_start.astimezone(zone).date(), snapshot.id)
    return [
        Fact("Journal's receivable", Shown(snapshot.ledger_cents, Kind.MONEY, path=postings)),
        Fact("Accounts", Shown(snapshot.account_count, Kind.NUMBER)),
        Fact("Net sales of its month until then", Shown(snapshot.sales_cents, Kind.MONEY, path=sold)),
        Fact("Paid in its month", counted(snapshot.paid_count, "invoice", "invoices")),
        Fact("Taken", Shown(snapshot.taken_at, Kind.INSTANT)),
        Fact("Snapshot id", Shown(str(snapshot.id), Kind.ID)),
    ]


def _by_age(snapshot: ReceivablesSnapshot) -> Table:
    aged = snapshot.aged
    whole = aged.total_cents
    rows = [
        (
            title,
            Shown(cents, Kind.MONEY, path=_behind(snapshot, age) if cents else ""),
            Shown(round(100 * cents / whole) if whole else None, Kind.NUMBER),
        )
        for (age, title), cents in zip(AGES.items(), aged.owed_cents, strict=True)
    ]
    heads = (("Age", Kind.TEXT), ("Owed", Kind.MONEY), ("Per cent", Kind.NUMBER))
    return Table("By age", heads, rows, foot=("Sum", Shown(whole, Kind.MONEY), ""))


def _behind(
    snapshot: ReceivablesSnapshot, age: Age | None, account_id: UUID | None = None, *, is_disputed: bool = False
) -> str:
    asked = f"{BEHIND}?snapshot={snapshot.id}"
    asked += f"&age={age}" if age else ""
    asked += f"&account_id={account_id}" if account_id else ""
    return asked + ("&disputed=true" if is_disputed else "")


def _by_account(snapshot: ReceivablesSnapshot, found: Sequence[Row[SnapshotAccount, str, str]]) -> Table:
    rows = [
        _cells(
            Shown(name, path=account_path(part.account_id)), ACCOUNT_KINDS[kind], part.aged, snapshot, part.account_id
        )
        for part, kind, name in found
    ]
    note = f"Those that owed most; the CSV has all {snapshot.account_count:,}." if len(found) == MOST_ACCOUNTS else ""
    foot = _cells(counted(snapshot.account_count, "account", "accounts"), "", snapshot.aged, snapshot, None)
    return Table("By account", HEADS, rows, empty="Nobody owed anything.", foot=foot if rows else (), note=note)


def _cells(
    name: Told, kind: str, aged: Aged, snapshot: ReceivablesSnapshot, account_id: UUID | None
) -> tuple[Told, ...]:
    def shown(cents: int, age: Age | None, *, is_disputed: bool = False) -> Shown:
        path = _behind(snapshot, age, account_id, is_disputed=is_disputed) if cents else ""
        return Shown(cents, Kind.MONEY, path=path)

    ages = [shown(cents, age) for age, cents in zip(Age, aged.owed_cents, strict=True)]
    disputed = shown(aged.disputed_cents, None, is_disputed=True)
    credit_cents = aged.customer_credit_cents
    postings = f"{JOURNAL}?on=customer_credit&snapshot={snapshot.id}"
    postings += f"&party_id={account_id}" if account_id else ""
    credit = Shown(credit_cents, Kind.MONEY, path=postings if credit_cents else "")
    return (name, kind, *ages, shown(aged.total_cents, None), disputed, credit)


@form_at(PATH + "/{snapshot_id:uuid}/export", Capability.READ_OPS)
async def export_snapshot(
    snapshot_id: FromPath[UUID],
    data: JSONBody[ExportForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Response[str]:
    """Every account of it."""
    async with database.transaction() as session:
        snapshot = await snapshots.find(session, snapshot_id)
        found = await snapshots.accounts(session, snapshot_id, None)
        subject = Subject("receivables_snapshot", snapshot_id)
        await audit.record(session, actor=operator, action="export_list", subject=subject)
    day = (snapshot.as_of - INSTANT).astimezone(console.wording.zone).date()
    name = f"receivables-{snapshot.kind.replace('_', '-')}-{day}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response("".join(_lines(found, console)), media_type=CSV, headers=headers)


def _lines(found: Sequence[Row[SnapshotAccount, str, str]], console: Console) -> Iterator[str]:
    yield BOM + csv_line(["account_id", "account", "kind", *Age, "owed", "disputed", "customer_credit", "net_sales"])
    for part, kind, name in found:
        aged = part.aged
        cents = [*aged.owed_cents, aged.total_cents, aged.disputed_cents, aged.customer_credit_cents, part.sales_cents]
        amounts = [plain_of(Kind.MONEY, amount, console.wording) for amount in cents]
        yield csv_line([str(part.account_id), harmless(name), kind, *amounts])


ROUTES = (show_snapshot, export_snapshot)
