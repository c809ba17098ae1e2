"""What became of the tries: for the messages, the sender accounts, the suppression list and the tickets, in one go."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.notifications.commands.accounts import count_sends, note_health
from services.notifications.commands.messages import publish_outcome, settle
from services.notifications.commands.suppressions import lift_after_success, suppress_after_refusal
from services.notifications.domain.accounts import after
from services.notifications.domain.messages import ACCOUNT_FAULT_DELAY, MOST_TRIES, MessageState, retry_delay
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import Reply, Verdict, judge, reason_code
from services.notifications.domain.tickets import EntryKind, TicketState
from services.notifications.models import Message, Ticket, TicketEntry
from services.notifications.queries.accounts import account_figures, lock_accounts
from services.notifications.queries.messages import FINISH_ATTEMPTS, lock_messages
from services.notifications.queries.tickets import lock_tickets

LONGEST_RESPONSE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended. `reply` is None where it never came to an exchange; then `verdict` says why."""

    message_id: UUID
    attempt_no: int
    account_id: UUID
    verdict: Verdict
    reply: Reply | None = None
    sha256: str | None = None

    @classmethod
    def of(cls, message_id: UUID, attempt_no: int, account_id: UUID, reply: Reply, sha256: str) -> "Outcome":
        return cls(message_id, attempt_no, account_id, judge(reply), reply, sha256)

    @property
    def reason_code(self) -> str:
        if self.verdict is Verdict.REFUSED and self.reply is not None:
            return reason_code(self.reply)
        return self.verdict.value


@dataclass(frozen=True, slots=True)
class RecordTerms:
    now: datetime
    zone: ZoneInfo
    suppression_days: int


async def record_outcomes(session: AsyncSession, outcomes: Sequence[Outcome], terms: RecordTerms) -> None:
    """Settles or puts off each message. Of a try that another process has taken over, only its success still counts."""
    accounts = {account.id: account for account in await lock_accounts(session)}
    messages = await lock_messages(session, [outcome.message_id for outcome in outcomes])
    settled = [messages[o.message_id] for o in outcomes if _apply(messages[o.message_id], o, terms.now)]
    for message in settled:
        publish_outcome(session, message, terms.now)
    silent = {message.id for message in messages.values() if message.tells_of_nobody}
    await _note_attempts(session, outcomes, silent, terms.now)
    await suppress_after_refusal(session, outcomes, messages, terms.now, terms.suppression_days)
    await lift_after_success(
        session, [m.recipient_hash for m in settled if m.state is MessageState.ACCEPTED], terms.now
    )
    await note_tickets_of_failed(session, settled, terms.now)
    await count_sends(session, accounts, outcomes, terms.now)
    figures = await account_figures(session, list(accounts.values()), terms.now, terms.zone)
    for account in accounts.values():
        verdicts = [outcome.verdict for outcome in outcomes if outcome.account_id == account.id]
        note_health(account, after(account.health, verdicts, figures[account.id].traffic, terms.now))
    await session.flush()


def _apply(message: Message, outcome: Outcome, now: datetime) -> bool:
    """Whether the message is settled by it."""
    if message.state is MessageState.ACCEPTED:
        return False
    is_ours = message.state is MessageState.SENDING and message.attempts == outcome.attempt_no
    if not is_ours and outcome.verdict is not Verdict.ACCEPTED:
        return False
    _note_reply(message, outcome)
    match outcome.verdict:
        case Verdict.ACCEPTED:
            settle(message, MessageState.ACCEPTED, None, now)
        case Verdict.REFUSED:
            settle(message, MessageState.FAILED, outcome.reason_code, now)
        case _:
            message.unknown_outcomes += outcome.verdict is Verdict.OUTCOME_UNKNOWN
            put_off(message, outcome.verdict, outcome.reason_code, now)
    return message.state.is_settled


def _note_reply(message: Message, outcome: Outcome) -> None:
    message.smtp_status = outcome.reply.code if outcome.reply else None
    message.enhanced_status = outcome.reply.enhanced_status if outcome.reply else None
    message.sha256 = outcome.sha256 or message.sha256


def put_off(message: Message, verdict: Verdict, reason: str, now: datetime) -> None:
    """Later again; or never, where it was cancelled meanwhile or its tries are spent."""
    message.tries += verdict.spends_a_try
    if message.cancelled_at is not None:
        settle(message, MessageState.CANCELLED, "cancelled", now)
    elif message.tries >= MOST_TRIES:
        settle(message, MessageState.FAILED, "tries_exhausted", now)
    else:
        settle(message, MessageState.DEFERRED, reason, now)
        message.next_attempt_at = now + (retry_delay(message.tries) if verdict.spends_a_try else ACCOUNT_FAULT_DELAY)


async def _note_attempts(
    session: AsyncSession, outcomes: Sequence[Outcome], silent: Collection[UUID], now: datetime
) -> None:
    """Whose person was erased while a server was asked: its answer may repeat what it was told, and is not kept."""
    rows = [_attempt_row(outcome, now, keeps_answer=outcome.message_id not in silent) for outcome in outcomes]
    await session.execute(FINISH_ATTEMPTS, rows)


def _attempt_row(outcome: Outcome, now: datetime, *, keeps_answer: bool) -> dict[str, Any]:
    reply = outcome.reply
    return {
        "message_id": outcome.message_id,
        "attempt_no": outcome.attempt_no,
        "outcome": outcome.verdict.value,
        "smtp_status": reply.code if reply else None,
        "enhanced_status": reply.enhanced_status if reply else None,
        "response": _storable(reply.text) if reply and keeps_answer else None,
        "finished_at": now,
    }


def _storable(text: str) -> str:
    """What a server says need not be text at all."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:LONGEST_RESPONSE]


async def note_tickets_of_failed(session: AsyncSession, messages: Sequence[Message], now: datetime) -> None:
    """A reply that did not arrive is ours again: its ticket opens, with a note that says why."""
    replies = {
        message.subject_id: message
        for message in messages
        if message.purpose is MailPurpose.TICKET_REPLY
        and (message.state in (MessageState.FAILED, MessageState.SUPPRESSED) or message.bounced_at is not None)
    }
    for ticket in await lock_tickets(session, replies) if replies else []:
        _reopen(session, ticket, replies, now)


def _reopen(session: AsyncSession, ticket: Ticket, replies: Mapping[UUID, Message], now: datetime) -> None:
    message = replies[ticket.id]
    if ticket.state is not TicketState.OPEN:
        ticket.state, ticket.state_since = TicketState.OPEN, now
    ticket.updated_at = now
    status = message.bounce_status or message.enhanced_status or "no further status"
    body = f"The reply was not delivered: {message.reason_code}, {status}."
    session.add(
        TicketEntry(
            id=new_id(),
            ticket_id=ticket.id,
            kind=EntryKind.NOTE,
            author_name="Waybill",
            body=body,
            message_id=message.id,
            created_at=now,
        )
    )
