"""Messages: those to be sent, those in hand, those that an operator looks for."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Uuid, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from contracts.values import DocumentKind
from services.notifications.domain.messages import MailClass, MessageState
from services.notifications.domain.purposes import MailPurpose
from services.notifications.models import Attempt, Document, Message, VoidedInvoice


def in_state(*states: MessageState) -> ColumnElement[bool]:
    """Written into the statement: by a parameter, the planner cannot know that a partial index serves."""
    return Message.state.in_(bindparam(None, list(states), expanding=True, literal_execute=True))


WAITING = in_state(MessageState.QUEUED, MessageState.DEFERRED)
CAN_BE_READ = Message.waits_for_lead_id.is_(None)
"""What it tells is not sealed any more."""
IN_HAND = in_state(MessageState.SENDING)
UNSETTLED = WAITING | IN_HAND
# Leases are on the database's clock, which all processes share and nobody moves.
EXPIRED = IN_HAND & (Message.lease_until < func.clock_timestamp())

IS_CORRECTION = Message.purpose == literal_column(f"'{MailPurpose.LEAD_CORRECTION.value}'")
"""Written into the statement as well."""
IS_DELIVERY = Message.purpose == literal_column(f"'{MailPurpose.LEAD_DELIVERY.value}'")

RENEW_LEASES = text(
    """
    UPDATE messages SET lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
    FROM unnest(:ids, :attempt_nos) AS held (id, attempt_no)
    WHERE messages.id = held.id AND messages.attempts = held.attempt_no AND messages.state = 'sending'
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("attempt_nos", type_=ARRAY(Integer)))

FINISH_ATTEMPTS = text(
    """
    UPDATE attempts SET outcome = :outcome, smtp_status = :smtp_status, enhanced_status = :enhanced_status,
        response = :response, finished_at = :finished_at
    WHERE message_id = :message_id AND attempt_no = :attempt_no
    """
)

ERASE_MESSAGES = text(
    """
    UPDATE messages SET recipient_email = NULL, recipient_name = NULL, context = NULL, extra_headers = '{}',
        waits_for_lead_id = NULL, erased_at = :now
    WHERE id = ANY(:ids)
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

ERASE_RESPONSES = text("UPDATE attempts SET response = NULL WHERE message_id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)


def lease_end(lease_seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, lease_seconds)


async def is_anything_due(session: AsyncSession, now: datetime) -> bool:
    """Cheap, as it is asked all day: two looks into partial indices."""
    due = select(Message.id).where(WAITING, Message.next_attempt_at <= now, CAN_BE_READ).exists()
    expired = select(Message.id).where(EXPIRED).exists()
    return bool(await session.scalar(select(due | expired)))


async def lock_due_messages(
    session: AsyncSession, classes: Collection[MailClass], room: int, now: datetime
) -> list[Message]:
    """The urgent ones first, past those that another process is just taking."""
    if not classes or room <= 0:
        return []
    statement = (
        select(Message)
        .where(WAITING, Message.next_attempt_at <= now, CAN_BE_READ, Message.mail_class.in_(classes))
        .order_by(Message.priority, Message.next_attempt_at, Message.id)
        .limit(room)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def lock_expired_messages(session: AsyncSession, room: int) -> list[Message]:
    """Those whose process has not renewed its lease."""
    statement = select(Message).where(EXPIRED).order_by(Message.id).limit(room).with_for_update(skip_locked=True)
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def lock_messages(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, Message]:
    statement = select(Message).where(Message.id.in_(message_ids)).order_by(Message.id).with_for_update()
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {message.id: message for message in found}


async def lock_named(session: AsyncSession, header_ids: Collection[str], ids: Collection[UUID]) -> Message | None:
    """The message of one of these Message-IDs, else of one of these ids."""
    found: Message | None = await session.scalar(
        select(Message)
        .where(Message.header_id.in_(header_ids) | Message.id.in_(ids))
        .order_by(Message.header_id.in_(header_ids).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def lock_uncancelled_about(
    session: AsyncSession, purpose: MailPurpose, subject_ids: Collection[UUID]
) -> list[Message]:
    """Those that were not accepted either."""
    if not subject_ids:
        return []
    return await _lock_uncancelled(session, Message.subject_id.in_(subject_ids) & (Message.purpose == purpose))


async def lock_uncancelled_corrections(session: AsyncSession, assignment_ids: Collection[UUID]) -> list[Message]:
    """Those of the assignments' leads that were not accepted either."""
    if not assignment_ids:
        return []
    of_assignments = Message.context["assignment_id"].astext.in_([str(id_) for id_ in assignment_ids])
    return await _lock_uncancelled(session, IS_CORRECTION & of_assignments)


async def _lock_uncancelled(session: AsyncSession, which: ColumnElement[bool]) -> list[Message]:
    statement = (
        select(Message)
        .where(which, Message.cancelled_at.is_(None), ~in_state(MessageState.ACCEPTED))
        .order_by(Message.id)
        .with_for_update()
    )
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def lock_waiting_alert(session: AsyncSession, kind: str, recipient_hash: str) -> Message | None:
    """One that nobody has tried to send: what it says may still grow."""
    found: Message | None = await session.scalar(
        select(Message)
        .where(
            in_state(MessageState.QUEUED),
            Message.attempts == 0,
            Message.purpose == MailPurpose.OPS_ALERT,
            Message.subject_kind == kind,
            Message.recipient_hash == recipient_hash,
        )
        .order_by(Message.id)
        .limit(1)
        .with_for_update()
    )
    return found


async def last_alert_due_at(session: AsyncSession, kind: str, recipient_hash: str) -> datetime | None:
    """When the last alert of the kind was to go out."""
    found: datetime | None = await session.scalar(
        select(Message.next_attempt_at)
        .where(
            Message.recipient_hash == recipient_hash,
            Message.purpose == MailPurpose.OPS_ALERT,
            Message.subject_kind == kind,
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    )
    return found


async def accounts_of_threads(session: AsyncSession, thread_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The account by which each thread was last answered."""
    if not thread_ids:
        return {}
    rows = await session.execute(
        select(Message.thread_id, Message.sender_account_id)
        .where(Message.thread_id.in_(thread_ids), Message.accepted_at.is_not(None))
        .order_by(Message.thread_id, Message.accepted_at.desc())
        .ext(distinct_on(Message.thread_id))
    )
    return {thread_id: account_id for thread_id, account_id in rows if thread_id and account_id}


async def documents(session: AsyncSession, document_ids: Collection[UUID]) -> dict[UUID, Document]:
    if not document_ids:
        return {}
    found = await session.scalars(select(Document).where(Document.id.in_(document_ids)))
    return {document.id: document for document in found}


async def document_number(session: AsyncSession, document_id: UUID | None) -> str | None:
    found: str | None = await session.scalar(select(Document.number).where(Document.id == document_id))
    return found


async def document_kinds(session: AsyncSession, document_ids: Collection[UUID]) -> dict[UUID, DocumentKind]:
    """Kind by id of those that have arrived."""
    rows = await session.execute(select(Document.id, Document.kind).where(Document.id.in_(document_ids)))
    return {row.id: row.kind for row in rows if row.kind is not None}


async def voided_among(session: AsyncSession, invoice_ids: Collection[UUID]) -> set[UUID]:
    found = await session.scalars(select(VoidedInvoice.invoice_id).where(VoidedInvoice.invoice_id.in_(invoice_ids)))
    return set(found)


async def messages_to_erase(session: AsyncSession, settled_before: datetime, portion: int) -> Sequence[UUID]:
    statement = (
        select(Message.id)
        .where(
            Message.erased_at.is_(None),
            ~UNSETTLED,
            Message.state_since < settled_before,
        )
        .order_by(Message.state_since)
        .limit(portion)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(statement))


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What an operator looks for; None is anything. The window is half-open, by when the message was queued."""

    purpose: MailPurpose | None = None
    state: MessageState | None = None
    subject_id: UUID | None = None
    recipient_hash: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        for column in ("purpose", "state", "subject_id", "recipient_hash"):
            if getattr(self, column) is not None:
                yield getattr(Message, column) == getattr(self, column)
        if self.created_from is not None:
            yield Message.created_at >= self.created_from
        if self.created_before is not None:
            yield Message.created_at < self.created_before


async def list_messages(session: AsyncSession, page: PageRequest, wanted: MessageFilter) -> Sequence[Message]:
    statement = page.apply(select(Message).where(*wanted.conditions()), Message.created_at, Message.id)
    return list(await session.scalars(statement))


async def one_message(session: AsyncSession, message_id: UUID) -> Message:
    return NotFound.unless(await session.get(Message, message_id), "no such message", message_id=message_id)


async def attempts_of(session: AsyncSession, message_id: UUID) -> Sequence[Attempt]:
    statement = select(Attempt).where(Attempt.message_id == message_id).order_by(Attempt.attempt_no)
    return list(await session.scalars(statement))


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """What waits and since when; `overdue_since` is the oldest instant at which something should have gone out."""

    queued: int
    deferred: int
    in_hand: int
    overdue: int
    overdue_since: datetime | None


async def queue_figures(session: AsyncSession, now: datetime) -> QueueFigures:
    is_overdue = WAITING & (Message.next_attempt_at <= now)
    row = (
        await session.execute(
            select(
                func.count().filter(Message.state == MessageState.QUEUED),
                func.count().filter(Message.state == MessageState.DEFERRED),
                func.count().filter(IN_HAND),
                func.count().filter(is_overdue),
                func.min(Message.next_attempt_at).filter(is_overdue),
            ).where(UNSETTLED)
        )
    ).one()
    return QueueFigures(*row)
