"""Statements of account that are mailed: kept as their bytes, and handed to whoever mails them."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from chassis.errors import FieldError
from contracts.books import StatementSent
from services.billing.commands.documents import PDF
from services.billing.domain.journal import CURRENCY
from services.billing.domain.statements import LONGEST_DAYS, AccountStatement
from services.billing.errors import StatementDaysInvalid, StatementIdTaken
from services.billing.models import Account, Statement
from services.billing.queries.recipients import Recipient
from services.billing.queries.statements import Span


@dataclass(frozen=True, slots=True)
class SendStatement:
    """`content` is its PDF. A `statement_id` stands for one statement, however often it is sent."""

    statement_id: UUID
    account: Account
    statement: AccountStatement
    content: bytes
    by_name: str


@dataclass(frozen=True, slots=True)
class SentStatement:
    statement: Statement
    is_new: bool


def span_of(from_day: date, to_day: date, zone: ZoneInfo, now: datetime) -> Span:
    """Days that a statement can be of; those to come have nothing on them yet."""
    today = now.astimezone(zone).date()
    if to_day > today:
        raise _invalid("to_day", "still_to_come", "Choose today, or a day that is over")
    if from_day > to_day:
        raise _invalid("from_day", "after_its_end", "Choose a first day that is not after the last")
    if to_day - from_day > timedelta(days=LONGEST_DAYS):
        raise _invalid("from_day", "too_long", "Choose two years at most")
    return Span(from_day, to_day)


def _invalid(field: str, code: str, message: str) -> StatementDaysInvalid:
    return StatementDaysInvalid(message, errors=(FieldError(field, code, message),))


async def send_statement(
    session: AsyncSession, command: SendStatement, recipients: Sequence[Recipient], now: datetime
) -> SentStatement:
    """Each recipient is told of apart; what is mailed and what is kept are the same bytes."""
    known = await session.get(Statement, command.statement_id)
    if known is not None:
        _refuse_another(known, command)
        return SentStatement(known, is_new=False)
    statement = _kept(command, len(recipients), now)
    session.add(statement)
    taken = StatementIdTaken("the id stands for another statement", statement_id=command.statement_id)
    await flush_or_refuse(session, {"pk_statements": taken})
    for version, recipient in enumerate(recipients, start=1):
        outbox.add(session, _event(statement, recipient, now), version=version)
    return SentStatement(statement, is_new=True)


def _kept(command: SendStatement, recipient_count: int, now: datetime) -> Statement:
    it = command.statement
    return Statement(
        id=command.statement_id,
        account_id=command.account.id,
        from_day=it.from_day,
        to_day=it.to_day,
        opening_cents=it.opening_cents,
        closing_cents=it.closing_cents,
        file_name=file_name_of(it),
        media_type=PDF,
        sha256=sha256(command.content).hexdigest(),
        content=command.content,
        recipient_count=recipient_count,
        sent_by_name=command.by_name,
        sent_at=now,
    )


def file_name_of(statement: AccountStatement) -> str:
    return f"Statement-{statement.from_day}-to-{statement.to_day}.pdf"


def _refuse_another(known: Statement, command: SendStatement) -> None:
    it = command.statement
    if (known.account_id, known.from_day, known.to_day) != (command.account.id, it.from_day, it.to_day):
        raise StatementIdTaken("the id stands for another statement", statement_id=command.statement_id)


def _event(statement: Statement, recipient: Recipient, now: datetime) -> StatementSent:
    return StatementSent(
        subject_id=statement.id,
        account_id=statement.account_id,
        from_day=statement.from_day,
        to_day=statement.to_day,
        file_name=statement.file_name,
        media_type=statement.media_type,
        sha256=statement.sha256,
        content_base64=b64encode(statement.content).decode(),
        recipient_name=recipient.name,
        recipient_email=recipient.email,
        closing_cents=statement.closing_cents,
        currency=CURRENCY,
        sent_at=now,
    )
