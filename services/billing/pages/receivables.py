"""Who owes what for how long, as of now or as the books stood at the end of a day; and whether it ties."""

import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import JSONBody, QueryParameter
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.cells import Kind, Shown, chip, plain_of
from chassis.console.charts import Charts
from chassis.console.documents import Document, Done, Facts, Note, Part, Section, Table, Told, show_document
from chassis.console.fields import Day, start_of
from chassis.console.lists.export import BOM, harmless
from chassis.console.lists.routes import CSV
from chassis.console.wording import calendar_day, counted, money
from chassis.database import Database
from chassis.errors import FieldError
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.ageing import Age, Aged, due_between, sum_of
from services.billing.http.receivables import NotADay, day_asked, instants_of
from services.billing.pages import collection_words, snapshot_parts
from services.billing.pages.doors import account_path
from services.billing.pages.overdue import KINDS
from services.billing.pages.overdue import PATH as OWED
from services.billing.queries import ageing, collected, collection, snapshots
from services.billing.queries.ageing import Receivables

ROOM = "receivables"
PATH = "/console/receivables"
BEHIND = f"{PATH}/invoices"
JOURNAL = "/console/journal"
MOST_ACCOUNTS = 200
MOST_BEYOND = 10**9
AGES = {
    Age.NOT_DUE: "Not due",
    Age.TO_30: "1-30 days",
    Age.TO_60: "31-60 days",
    Age.TO_90: "61-90 days",
    Age.OVER_90: "91 days and more",
}
HEADS = (
    ("Account", Kind.TEXT),
    ("Kind", Kind.TEXT),
    *((title, Kind.MONEY) for title in AGES.values()),
    ("Owed", Kind.MONEY),
    ("Disputed", Kind.MONEY),
    ("Unapplied credit", Kind.MONEY),
)


@dataclass(frozen=True, slots=True)
class AsOf:
    """`day` is None for now. A cell leads to the invoices that it sums, as they stood then."""

    today: date
    day: date | None

    @property
    def is_now(self) -> bool:
        return self.day is None

    def door(self, age: Age | None, account_id: UUID | None = None) -> str:
        """Of now the queue itself, where something can be done about them."""
        if not self.is_now:
            return self.behind(age, account_id)
        first, last = due_between(age, self.today) if age else (None, None)
        return _path(OWED, due_from=first, due_to=last, account_id=account_id)

    def behind(self, age: Age | None, account_id: UUID | None = None, *, is_disputed: bool = False) -> str:
        disputed = "true" if is_disputed else None
        return _path(BEHIND, as_of=self.day, age=age, account_id=account_id, disputed=disputed)

    def following(self, found: Receivables) -> str:
        """The same of the accounts that owe less than those that are shown."""
        return _path(PATH, as_of=self.day, beyond=found.before_count + len(found.accounts))

    def credit(self, account_id: UUID | None) -> str:
        """The postings that it came of."""
        return _path(JOURNAL, on="customer_credit", posted_to=self.day, party_id=account_id)


def _path(path: str, **asked: object) -> str:
    query = urlencode({name: str(value) for name, value in asked.items() if value is not None})
    return f"{path}?{query}" if query else path


class ExportForm(Form):
    as_of: Day | None = None


@page_at(PATH, Capability.READ_OPS)
async def show_receivables(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    as_of: Annotated[str | None, QueryParameter(max_length=10)] = None,
    beyond: Annotated[int, QueryParameter(ge=0, le=MOST_BEYOND)] = 0,
    done: Done = None,
) -> Response[str]:
    now = console.clock.now()
    asked = _asked(day_of(as_of), now, console)
    async with database.reading() as session:
        found = await ageing.aged(session, *_instants(asked, now, console, MOST_ACCOUNTS), beyond)
        told = [await _collected(session, now, console)] if asked.is_now else []
        weeks = [each async for each in _weeks(session, found, now, console)] if asked.is_now else []
    sections = [
        _by_age(found, asked),
        *weeks,
        _by_account(found, asked),
        _control(found, asked),
        *told,
    ]
    document = _document(found, asked, _sentence(asked, now, console), operator, sections)
    return show_document(console, request, document, done)


def _document(
    found: Receivables, asked: AsOf, sentence: str, operator: Operator, sections: Sequence[Section]
) -> Document:
    return Document(
        title="Receivables",
        room=ROOM,
        up=None,
        states=(chip("Ties with the journal", "positive") if found.ties else chip("Does not tie", "danger"),),
        sentence=sentence,
        amount=money(found.total.total_cents),
        amount_note=f"AUD owed, {money(found.total.overdue_cents)} of it overdue",
        notes=() if found.ties else (_difference(found),),
        actions=[snapshot_parts.take(operator)] if asked.is_now else [],
        sections=sections,
        timeline=None,
        links=(
            ("Owed invoices", OWED),
            ("Snapshots", snapshot_parts.PATH),
            ("Collection figures", collection_words.FIGURES),
            ("Trial balance", "/console/journal/trial-balance"),
        ),
    )


async def _weeks(
    session: AsyncSession, found: Receivables, now: datetime, console: Console
) -> AsyncIterator[Table | Charts]:
    zone = console.wording.zone
    yield snapshot_parts.weekly_table(found.total, await snapshots.mondays(session, zone, now))
    if weeks := await snapshots.weeks(session, snapshot_parts.WEEKS):
        yield snapshot_parts.drawn(weeks, zone)


async def _collected(session: AsyncSession, now: datetime, console: Console) -> Facts:
    zone = console.wording.zone
    owed = await collection.collection(session, now, start_of(now.astimezone(zone).date(), zone))
    return collection_words.section(owed, await collected.latest(session, zone, now))


def _sentence(asked: AsOf, now: datetime, console: Console) -> str:
    if asked.day is None:
        return f"As of {console.wording.exact(now)}, by due day."
    told = calendar_day(asked.day)
    return f"As the books stood at the end of {told}, by due day: what was recorded later is not in it."


def _asked(day: date | None, now: datetime, console: Console) -> AsOf:
    zone = console.wording.zone
    return AsOf(now.astimezone(zone).date(), day_asked(day, now, zone))


def day_of(written: str | None) -> date | None:
    try:
        return TypeAdapter(Day).validate_python(written) if written else None
    except ValidationError:
        fault = FieldError("as_of", "day_invalid", "Write a day as 2026-03-31")
        raise NotADay("that is no day", errors=(fault,)) from None


def _instants(
    asked: AsOf, now: datetime, console: Console, most: int | None
) -> tuple[datetime, ZoneInfo, int | None, datetime | None]:
    zone = console.wording.zone
    if asked.day is None:
        return now, zone, most, None
    before, at = instants_of(asked.day, now, zone)
    return at, zone, most, before


def _difference(found: Receivables) -> Note:
    by = money(found.difference_cents)
    told = "Tell the platform's keepers: nothing an operator does brings this about."
    return Note(f"The ageing and the journal differ by {by}", told, "danger")


def _by_age(found: Receivables, asked: AsOf) -> Part:
    cents = found.total.owed_cents
    longest = max(*cents, 1)
    ages = [
        {"title": AGES[age], "cents": each, "length": round(100 * each / longest, 1), "path": asked.door(age)}
        for age, each in zip(Age, cents, strict=True)
    ]
    return Part("By age", "ages.html", {"ages": ages, "as_of": asked, "path": PATH})


def _by_account(found: Receivables, asked: AsOf) -> Table:
    rows = [
        _row(Shown(each.name, path=account_path(each.account_id)), KINDS[each.kind], each.aged, asked, each.account_id)
        for each in found.accounts
    ]
    others, following = found.after_count, asked.following(found)
    if others and not found.before_count:
        rest = found.total.less(sum_of([each.aged for each in found.accounts]))
        name = Shown(counted(others, "other account", "other accounts"), path=following)
        rows.append(_row(name, "", rest, asked, None, following))
    note = (
        "AUD inc. GST. Disputed is what of it credits would take off that nobody has decided yet. Unapplied credit is "
        "the customer's money with us, and is not taken off what is owed."
    )
    return Table(
        "By account",
        HEADS,
        rows,
        empty="Nobody owes anything.",
        foot=_row(counted(found.account_count, "account", "accounts"), "", found.total, asked) if rows else (),
        note=_place(found) + note,
        more=("Those that owe less", following) if others else None,
    )


def _place(found: Receivables) -> str:
    if not found.before_count:
        return ""
    first, last = found.before_count + 1, found.before_count + len(found.accounts)
    return f"Accounts {first:,} to {last:,} of {found.account_count:,}, those that owe most first. "


def _row(
    name: Told, kind: str, aged: Aged, asked: AsOf, account_id: UUID | None = None, following: str = ""
) -> list[Told]:
    """Each cell leads to its invoices; those of accounts that are not on the page to the page that has them."""

    def door(age: Age | None, cents: int) -> str:
        return (following or asked.door(age, account_id)) if cents else ""

    ages = [Shown(cents, Kind.MONEY, path=door(age, cents)) for age, cents in zip(Age, aged.owed_cents, strict=True)]
    total = Shown(aged.total_cents, Kind.MONEY, path=door(None, aged.total_cents))
    disputed, credit = aged.disputed_cents, aged.customer_credit_cents
    behind = (following or asked.behind(None, account_id, is_disputed=True)) if disputed else ""
    postings = (following or asked.credit(account_id)) if credit else ""
    return [
        name,
        kind,
        *ages,
        total,
        Shown(disputed, Kind.MONEY, path=behind),
        Shown(credit, Kind.MONEY, path=postings),
    ]


def _control(found: Receivables, asked: AsOf) -> Table:
    owed, ledger = found.total.total_cents, found.ledger_cents
    postings = f"{JOURNAL}?on=receivable" + (f"&posted_to={asked.day}" if asked.day else "")
    row = (
        "Receivable",
        Shown(owed, Kind.MONEY),
        Shown(ledger, Kind.MONEY, path=postings),
        Shown(owed - ledger, Kind.MONEY),
    )
    heads = (
        ("Control", Kind.TEXT),
        ("This ageing", Kind.MONEY),
        ("Journal", Kind.MONEY),
        ("Difference", Kind.MONEY),
    )
    return Table("Does it tie", heads, [row])


@form_at(f"{PATH}/export", Capability.READ_OPS)
async def export_receivables(
    data: JSONBody[ExportForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[str]:
    """Every account, whether the page shows it or not."""
    now = clock.now()
    asked = _asked(data.as_of, now, console)
    async with database.transaction() as session:
        found = await ageing.aged(session, *_instants(asked, now, console, None))
        await audit.record(
            session,
            actor=operator,
            action="export_list",
            subject=Subject("list", ROOM),
            after={"as_of": (asked.day or asked.today).isoformat()},
        )
    name = f"receivables-{asked.day or asked.today}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response("".join(_lines(found, console)), media_type=CSV, headers=headers)


def _lines(found: Receivables, console: Console) -> Iterator[str]:
    yield BOM + csv_line(["account_id", "account", "kind", *Age, "owed", "disputed", "customer_credit"])
    for each in found.accounts:
        aged = each.aged
        cents = [*aged.owed_cents, aged.total_cents, aged.disputed_cents, aged.customer_credit_cents]
        amounts = [plain_of(Kind.MONEY, amount, console.wording) for amount in cents]
        yield csv_line([str(each.account_id), harmless(each.name), each.kind, *amounts])


def csv_line(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


ROUTES = (show_receivables, export_receivables)
