"""An account's statement: its lines from day to day, its PDF, and mailing it; and those that were mailed."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Done, Part, Table, show_document
from chassis.console.fields import Day
from chassis.console.wording import calendar_day, counted, money
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.documents import PDF
from services.billing.commands.house import House
from services.billing.commands.statements import span_of
from services.billing.domain.statements import AccountStatement, OpenInvoice, StatementLine, description_of
from services.billing.http.statements import NewStatement, post_statement, taken_along
from services.billing.models import Account, Statement
from services.billing.pages.accounts import PATH as ACCOUNTS
from services.billing.pages.accounts import ROOM
from services.billing.pages.doors import account_path, invoice_path
from services.billing.pages.receivables import JOURNAL, day_of
from services.billing.queries import accounts, recipients, statements
from services.billing.queries.recipients import Recipient
from services.billing.queries.statements import Span

PATH = ACCOUNTS + "/{account_id:uuid}/statement"
SEND = "send_statement"
SHOWN = 12
FirstDay = Annotated[str | None, QueryParameter(name="from", max_length=10)]
LastDay = Annotated[str | None, QueryParameter(name="to", max_length=10)]


class SendForm(Form):
    from_day: Day
    to_day: Day
    statement_id: UUID


def statement_path(account_id: UUID) -> str:
    return f"{account_path(account_id)}/statement"


def _span(written_from: str | None, written_to: str | None, zone: ZoneInfo, now: datetime) -> Span:
    """The month that runs and the two before it, where no days are asked for."""
    last = day_of(written_to) or now.astimezone(zone).date()
    first = day_of(written_from) or _months_before(last, 2)
    return span_of(first, last, zone, now)


def _months_before(day: date, number: int) -> date:
    first = day.replace(day=1)
    for _ in range(number):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


@page_at(PATH, Capability.READ_OPS)
async def show_statement(
    account_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
    operator: Given[Operator],
    first: FirstDay = None,
    last: LastDay = None,
    done: Done = None,
) -> Response[str]:
    span = _span(first, last, house.zone, console.clock.now())
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        it = await statements.statement(session, account, span, house.zone)
        mailed = await statements.latest(session, account_id, SHOWN)
        people = await recipients.of_statements(session, account)
    document = Document(
        title=f"Statement of {account.name}",
        room=ROOM,
        up=(account.name, account_path(account_id)),
        sentence=f"From {calendar_day(span.from_day)} to {calendar_day(span.to_day)}, by the day of its recording.",
        amount=money(it.closing_cents),
        amount_note="AUD owed at its end, less their credit",
        actions=[_send(account, span, people, operator)],
        sections=[_days(account_id, span), _lines(it, account_id), _open(it), _mailed(mailed)],
        timeline=None,
    )
    return show_document(console, request, document, done)


def _send(account: Account, span: Span, people: Sequence[Recipient], operator: Operator) -> Action:
    addresses = ", ".join(each.email for each in people)
    return Action(
        SEND,
        "Mail it",
        statement_path(account.id),
        effect=f"Mails these days' statement as a PDF to {addresses}, and keeps it as it was mailed.",
        hidden={
            "from_day": span.from_day.isoformat(),
            "to_day": span.to_day.isoformat(),
            "statement_id": str(new_id()),
        },
        done="It is on its way",
        is_primary=True,
        **refused(operator, Capability.MANAGE_BILLING_OPS),
    )


def _days(account_id: UUID, span: Span) -> Part:
    days = {"from": span.from_day.isoformat(), "to": span.to_day.isoformat()}
    path = statement_path(account_id)
    return Part("Days", "statement_days.html", {"path": path, "days": days, "pdf": f"{path}.pdf?{urlencode(days)}"})


def _lines(it: AccountStatement, account_id: UUID) -> Table:
    heads = (
        *(("Date", Kind.TEXT), ("Entry", Kind.TEXT), ("Charged", Kind.MONEY)),
        *(("Paid or credited", Kind.MONEY), ("Balance", Kind.MONEY)),
    )
    opening = (calendar_day(it.from_day), "Opening balance", "", "", Shown(it.opening_cents, Kind.MONEY))
    foot = (
        *(counted(len(it.lines), "entry", "entries"), "Closing balance"),
        *(Shown(it.charged_cents, Kind.MONEY), Shown(it.credited_cents, Kind.MONEY)),
        Shown(it.closing_cents, Kind.MONEY),
    )
    asked = urlencode({"party_id": str(account_id), "posted_from": it.from_day, "posted_to": it.to_day})
    rows = [opening, *(_line(line, balance) for line, balance in it.balances())]
    return Table("Entries", heads, rows, foot=foot, more=("Its postings", f"{JOURNAL}?{asked}"))


def _line(line: StatementLine, balance: int) -> tuple[Shown | str, ...]:
    return (
        Shown(line.posted_at, Kind.DAY),
        Shown(description_of(line), path=f"{JOURNAL}/{line.posting_id}"),
        Shown(line.cents if line.cents > 0 else None, Kind.MONEY),
        Shown(-line.cents if line.cents < 0 else None, Kind.MONEY),
        Shown(balance, Kind.MONEY),
    )


def _open(it: AccountStatement) -> Table:
    heads = (
        *(("Invoice", Kind.TEXT), ("Issued", Kind.DAY), ("Due", Kind.DAY)),
        *(("Days overdue", Kind.NUMBER), ("Left to pay", Kind.MONEY)),
    )
    return Table("Left to pay at its end", heads, [_invoice(each) for each in it.open_invoices], empty="Nothing.")


def _invoice(each: OpenInvoice) -> tuple[Shown | str, ...]:
    return (
        Shown(each.number, path=invoice_path(each.kind, each.invoice_id)),
        Shown(each.issued_at, Kind.DAY),
        Shown(each.due_at, Kind.DAY),
        Shown(max(0, each.days_overdue), Kind.NUMBER),
        Shown(each.owed_cents, Kind.MONEY),
    )


def _mailed(mailed: Sequence[Statement]) -> Table:
    heads = (("Statement", Kind.TEXT), ("Mailed", Kind.AGO), ("By", Kind.TEXT), ("Closing balance", Kind.MONEY))
    rows = [
        (
            Shown(
                f"{calendar_day(each.from_day)} to {calendar_day(each.to_day)}",
                path=f"{account_path(each.account_id)}/statements/{each.id}",
            ),
            Shown(each.sent_at, Kind.AGO),
            each.sent_by_name,
            Shown(each.closing_cents, Kind.MONEY),
        )
        for each in mailed
    ]
    return Table("Mailed before", heads, rows, empty="None yet.")


@form_at(PATH, Capability.MANAGE_BILLING_OPS)
async def send_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[SendForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    asked = NewStatement(**data.model_dump(include={"from_day", "to_day", "statement_id"}))
    await post_statement.fn(account_id, asked, database, clock, house, operator)
    days = urlencode({"from": data.from_day, "to": data.to_day, "done": SEND})
    return console.redirect(f"{statement_path(account_id)}?{days}")


@page_at(ACCOUNTS + "/{account_id:uuid}/statement.pdf", Capability.READ_OPS, media_type=PDF)
async def download_statement(
    account_id: FromPath[UUID],
    console: Given[Console],
    database: Given[Database],
    house: Given[House],
    operator: Given[Operator],
    first: FirstDay = None,
    last: LastDay = None,
) -> Response[bytes]:
    now = console.clock.now()
    span = _span(first, last, house.zone, now)
    return await taken_along(database, operator, account_id, span.from_day, span.to_day, house, now)


@page_at(ACCOUNTS + "/{account_id:uuid}/statements/{statement_id:uuid}", Capability.READ_OPS, media_type=PDF)
async def download_mailed(
    account_id: FromPath[UUID], statement_id: FromPath[UUID], database: Given[Database]
) -> Response[bytes]:
    async with database.reading() as session:
        found = await statements.find(session, account_id, statement_id)
    headers = {"Content-Disposition": f'inline; filename="{found.file_name}"', "ETag": f'"{found.sha256}"'}
    return Response(found.content, media_type=PDF, headers=headers)


ROUTES = (show_statement, send_by_form, download_statement, download_mailed)
