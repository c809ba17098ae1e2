"""Statements of account over HTTP: their lines, their PDF, and mailing them."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.documents import PDF
from services.billing.commands.house import House
from services.billing.commands.statements import SendStatement, file_name_of, send_statement, span_of
from services.billing.domain.journal import PostingKind
from services.billing.domain.statements import (
    AccountStatement,
    Correspondents,
    description_of,
    printed_statement,
)
from services.billing.domain.tax_invoice import Party
from services.billing.http.exported import record_export
from services.billing.models import Account, Statement
from services.billing.queries import accounts, recipients, statements
from services.billing.rendering import render

FromDay = Annotated[date, QueryParameter(name="from", description="its first day")]
ToDay = Annotated[date, QueryParameter(name="to", description="its last day; today, or one that is over")]
READ = Capability.READ_OPS


class NewStatement(Body):
    """Both days belong to it. With a `statement_id`, sent twice it is mailed once."""

    from_day: date
    to_day: date
    statement_id: UUID | None = None


class StatementLineView(BaseModel):
    """Positive is charged, negative came in or was credited; the balance is after it."""

    posting_id: UUID
    posted_at: datetime
    kind: PostingKind
    description: str
    amount_cents: int
    balance_cents: int


class OpenInvoiceView(BaseModel):
    invoice_id: UUID
    number: str
    issued_at: datetime
    due_at: datetime
    days_overdue: int
    owed_cents: int


class StatementView(BaseModel):
    """Balances are what is owed less what the customer has with us, as the ledger has it at the ends of the days."""

    account_id: UUID
    account_name: str
    from_day: date
    to_day: date
    opening_cents: int
    closing_cents: int
    charged_cents: int
    credited_cents: int
    overdue_cents: int
    currency: str
    lines: list[StatementLineView]
    open_invoices: list[OpenInvoiceView]

    @classmethod
    def of(cls, it: AccountStatement, account: Account) -> Self:
        names = ("from_day", "to_day", "opening_cents", "closing_cents", "charged_cents", "credited_cents")
        return cls(
            account_id=account.id,
            account_name=account.name,
            **{name: getattr(it, name) for name in names},
            overdue_cents=it.overdue_cents,
            currency="AUD",
            lines=[
                StatementLineView(
                    posting_id=line.posting_id,
                    posted_at=line.posted_at,
                    kind=line.kind,
                    description=description_of(line),
                    amount_cents=line.cents,
                    balance_cents=balance,
                )
                for line, balance in it.balances()
            ],
            open_invoices=[OpenInvoiceView.model_validate(each, from_attributes=True) for each in it.open_invoices],
        )


class SentStatementView(BaseModel):
    id: UUID
    account_id: UUID
    from_day: date
    to_day: date
    opening_cents: int
    closing_cents: int
    file_name: str
    sha256: str
    recipient_count: int
    sent_by_name: str
    sent_at: datetime


@get("/admin/accounts/{account_id:uuid}/statement", guards=[requires(READ)])
async def get_statement(
    account_id: FromPath[UUID],
    from_day: FromDay,
    to_day: ToDay,
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
) -> StatementView:
    """What was charged and what came in, by the day on which it was recorded, with the balance after each."""
    span = span_of(from_day, to_day, house.zone, clock.now())
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        return StatementView.of(await statements.statement(session, account, span, house.zone), account)


@get("/admin/accounts/{account_id:uuid}/statement.pdf", media_type=PDF, guards=[requires(READ)])
async def get_statement_pdf(
    account_id: FromPath[UUID],
    from_day: FromDay,
    to_day: ToDay,
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[bytes]:
    """The same as a document; mailed to nobody, and not kept. The audit tells who took it along."""
    return await taken_along(database, operator, account_id, from_day, to_day, house, clock.now())


async def taken_along(
    database: Database,
    operator: Operator,
    account_id: UUID,
    from_day: date,
    to_day: date,
    house: House,
    now: datetime,
) -> Response[bytes]:
    _, it, content = await pdf_of(database, account_id, from_day, to_day, house, now)
    facts = {"format": "pdf", "from_day": it.from_day, "to_day": it.to_day}
    async with database.transaction() as session:
        await record_export(session, operator, "statement", account_id, **facts)
    headers = {"Content-Disposition": f'inline; filename="{file_name_of(it)}"', "Cache-Control": "no-store"}
    return Response(content, media_type=PDF, headers=headers)


async def pdf_of(
    database: Database, account_id: UUID, from_day: date, to_day: date, house: House, now: datetime
) -> tuple[Account, AccountStatement, bytes]:
    """Read, then set with no transaction open."""
    span = span_of(from_day, to_day, house.zone, now)
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        it = await statements.statement(session, account, span, house.zone)
    name = account.billing_name or account.name
    buyer = Party(name, account.abn, account.billing_address)
    printed = printed_statement(it, Correspondents(house.seller, buyer, house.payment_details), house.zone)
    return account, it, await render(printed)


@post("/admin/accounts/{account_id:uuid}/statements", status_code=200, guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def post_statement(
    account_id: FromPath[UUID],
    data: JSONBody[NewStatement],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> SentStatementView:
    """Mails it to whom the account's statements go, and keeps it as it was mailed."""
    account, it, content = await pdf_of(database, account_id, data.from_day, data.to_day, house, clock.now())
    command = SendStatement(data.statement_id or new_id(), account, it, content, operator.name)
    async with database.transaction() as session:
        sent = await send_statement(session, command, await recipients.of_statements(session, account), clock.now())
        if sent.is_new:
            await _audit(session, sent.statement, operator)
    return _view(sent.statement)


async def _audit(session: AsyncSession, statement: Statement, operator: Operator) -> None:
    await audit.record(
        session,
        actor=operator,
        action="send_statement",
        subject=Subject("account", statement.account_id),
        after={
            "from_day": statement.from_day,
            "to_day": statement.to_day,
            "closing_cents": statement.closing_cents,
            "recipients": statement.recipient_count,
        },
    )


@get("/admin/accounts/{account_id:uuid}/statements", guards=[requires(READ)])
async def list_statements(
    account_id: FromPath[UUID], database: Given[Database], page: Given[PageRequest]
) -> Page[SentStatementView]:
    """Those that were mailed, the latest first."""
    async with database.reading() as session:
        await accounts.find(session, account_id)
        found = await statements.sent_to(session, page, account_id)
    return page.page(found, lambda row: (row.sent_at, row.id), _view)


@get(
    "/admin/accounts/{account_id:uuid}/statements/{statement_id:uuid}/document",
    media_type=PDF,
    guards=[requires(READ)],
)
async def get_sent_statement(
    account_id: FromPath[UUID], statement_id: FromPath[UUID], database: Given[Database]
) -> Response[bytes]:
    """The bytes that were mailed."""
    async with database.reading() as session:
        statement = await statements.find(session, account_id, statement_id)
    headers = {"Content-Disposition": f'inline; filename="{statement.file_name}"', "ETag": f'"{statement.sha256}"'}
    return Response(statement.content, media_type=PDF, headers=headers)


def _view(statement: Statement) -> SentStatementView:
    return SentStatementView.model_validate(statement, from_attributes=True)


ROUTES = (get_statement, get_statement_pdf, post_statement, list_statements, get_sent_statement)
