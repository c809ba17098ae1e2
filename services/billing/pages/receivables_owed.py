"""The invoices behind a cell of the ageing or of a snapshot, as they stood then; and all of them as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.cells import Kind, Shown, plain_of
from chassis.console.documents import Document, Part, Table, show_document
from chassis.console.fields import Day
from chassis.console.lists.export import BOM, harmless
from chassis.console.lists.routes import CSV
from chassis.console.wording import calendar_day, counted, money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.commands.receivables import INSTANT
from services.billing.domain.ageing import Age
from services.billing.http.receivables import day_asked, instants_of
from services.billing.pages import snapshot_parts
from services.billing.pages.doors import account_name, account_path, invoice_path
from services.billing.pages.receivables import AGES, BEHIND, PATH, ROOM, csv_line, day_of
from services.billing.queries import owed, snapshots
from services.billing.queries.owed import Owed, OwedFilter, OwedInvoice

SHOWN = 500


class BehindForm(Form):
    as_of: Day | None = None
    snapshot: UUID | None = None
    age: Age | None = None
    account_id: UUID | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class _Instant:
    """Until when postings count, a moment of the day from which ages count, and how it is said."""

    before: datetime
    at: datetime
    told: str


@page_at(BEHIND, Capability.READ_OPS)
async def show_owed(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
    as_of: Annotated[str | None, QueryParameter(max_length=10)] = None,
    snapshot: FromQuery[UUID | None] = None,
    age: FromQuery[Age | None] = None,
    account_id: FromQuery[UUID | None] = None,
    disputed: FromQuery[bool] = False,
) -> Response[str]:
    asked = BehindForm.model_construct(
        as_of=day_of(as_of), snapshot=snapshot, age=age, account_id=account_id, disputed=disputed
    )
    async with database.reading() as session:
        instant = await _instant(session, asked, console.clock.now(), house)
        found = await owed.owed(session, instant.before, instant.at, house.zone, _filter(asked), SHOWN)
        name = await account_name(session, account_id) if account_id else None
    return show_document(console, request, _document(found, asked, instant, name))


async def _instant(session: AsyncSession, asked: BehindForm, now: datetime, house: House) -> _Instant:
    if asked.snapshot is not None:
        kept = await snapshots.find(session, asked.snapshot)
        return _Instant(kept.as_of, kept.as_of - INSTANT, snapshot_parts.told_instant(kept, house.zone))
    day = day_asked(asked.as_of, now, house.zone)
    before, at = instants_of(day, now, house.zone)
    return _Instant(before, at, "now" if day is None else f"the end of {calendar_day(day)}")


def _filter(asked: BehindForm) -> OwedFilter:
    return OwedFilter(asked.age, asked.account_id, asked.disputed)


def _document(found: Owed, asked: BehindForm, instant: _Instant, name: str | None) -> Document:
    told = [AGES[asked.age]] if asked.age else []
    told += ["disputed"] if asked.disputed else []
    told += [name] if name else []
    return Document(
        title="Owed invoices as they stood",
        room=ROOM,
        up=("Receivables", f"{PATH}?as_of={asked.as_of}" if asked.as_of else PATH),
        sentence=f"As of {instant.told}{''.join(f', {each}' for each in told)}: what was recorded later is not in it.",
        amount=money(found.owed_cents),
        amount_note=f"AUD owed on {counted(found.count, 'invoice', 'invoices')}",
        sections=[_table(found), _export(asked)],
        timeline=None,
    )


def _table(found: Owed) -> Table:
    heads = (
        *(("Invoice", Kind.TEXT), ("Account", Kind.TEXT), ("Issued", Kind.DAY), ("Due", Kind.DAY)),
        *(("Days overdue", Kind.NUMBER), ("Disputed", Kind.MONEY), ("Owed", Kind.MONEY)),
    )
    note = f"The first {SHOWN} of {found.count:,}; the CSV has all of them." if found.count > SHOWN else ""
    foot = (
        *(counted(found.count, "invoice", "invoices"), "", "", "", ""),
        *(Shown(found.disputed_cents, Kind.MONEY), Shown(found.owed_cents, Kind.MONEY)),
    )
    rows = [_row(each) for each in found.invoices]
    return Table("Invoices", heads, rows, empty="Nothing was owed of this kind.", foot=foot if rows else (), note=note)


def _row(each: OwedInvoice) -> tuple[Shown, ...]:
    return (
        Shown(each.number, path=invoice_path(each.kind, each.invoice_id)),
        Shown(each.account_name, path=account_path(each.account_id)),
        Shown(each.issued_at, Kind.DAY),
        Shown(each.due_at, Kind.DAY),
        Shown(max(0, each.days_overdue), Kind.NUMBER),
        Shown(each.disputed_cents, Kind.MONEY),
        Shown(each.owed_cents, Kind.MONEY),
    )


def _export(asked: BehindForm) -> Part:
    told = {name: value for name, value in asked.model_dump(mode="json", exclude={"csrf"}).items() if value}
    return Part("Take it along", "owed_export.html", {"path": f"{BEHIND}/export", "fields": told})


@form_at(f"{BEHIND}/export", Capability.READ_OPS)
async def export_owed(
    data: JSONBody[BehindForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[str]:
    """All that match, whether the page shows them or not."""
    async with database.transaction() as session:
        instant = await _instant(session, data, clock.now(), house)
        found = await owed.owed(session, instant.before, instant.at, house.zone, _filter(data), None)
        after = data.model_dump(mode="json", exclude={"csrf"})
        await audit.record(
            session, actor=operator, action="export_list", subject=Subject("list", "owed_invoices"), after=after
        )
    day: date = instant.at.astimezone(house.zone).date()
    headers = {"Content-Disposition": f'attachment; filename="owed-{day}.csv"', "Cache-Control": "no-store"}
    return Response("".join(_lines(found, console)), media_type=CSV, headers=headers)


def _lines(found: Owed, console: Console) -> Iterator[str]:
    days = ("issued", "due")
    yield BOM + csv_line(
        ["invoice_id", "number", "account_id", "account", "kind", *days, "days_overdue", "disputed", "owed"]
    )
    for each in found.invoices:
        dates = [plain_of(Kind.DAY, at, console.wording) for at in (each.issued_at, each.due_at)]
        cents = [plain_of(Kind.MONEY, at, console.wording) for at in (each.disputed_cents, each.owed_cents)]
        who = [str(each.account_id), harmless(each.account_name), each.kind]
        yield csv_line([str(each.invoice_id), each.number, *who, *dates, str(each.days_overdue), *cents])


ROUTES = (show_owed, export_owed)
