"""Messages as operators sort them: by standing, and by whether somebody has to look after them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, exists, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.notifications.domain.messages import MessageState, Standing, standing_of
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import BOUNCES, Verdict
from services.notifications.models import Message

_IS_UNKNOWN = (Message.state == MessageState.DEFERRED) & (Message.reason_code == Verdict.OUTCOME_UNKNOWN)
_IS_BOUNCED = Message.state.in_([MessageState.FAILED, MessageState.ACCEPTED]) & Message.reason_code.in_(sorted(BOUNCES))
_DID_NOT_BOUNCE = Message.reason_code.is_(None) | Message.reason_code.not_in(sorted(BOUNCES))

STANDING: ColumnElement[str] = case(
    (_IS_UNKNOWN, Standing.UNKNOWN),
    (_IS_BOUNCED, Standing.BOUNCED),
    else_=type_coerce(Message.state, Text),
)
"""The same as `standing_of`."""

IN_STANDING: Mapping[Standing, ColumnElement[bool]] = {
    Standing.UNKNOWN: _IS_UNKNOWN,
    Standing.BOUNCED: _IS_BOUNCED,
    Standing.DEFERRED: (Message.state == MessageState.DEFERRED)
    & Message.reason_code.is_distinct_from(Verdict.OUTCOME_UNKNOWN),
    Standing.ACCEPTED: (Message.state == MessageState.ACCEPTED) & _DID_NOT_BOUNCE,
    Standing.FAILED: (Message.state == MessageState.FAILED) & _DID_NOT_BOUNCE,
    **{
        Standing(state): Message.state == state
        for state in MessageState
        if state not in (MessageState.DEFERRED, MessageState.ACCEPTED, MessageState.FAILED)
    },
}

_Later = aliased(Message)

IS_UNDELIVERED: ColumnElement[bool] = (
    (Message.state.in_([MessageState.FAILED, MessageState.SUPPRESSED]) | Message.bounced_at.is_not(None))
    & Message.cancelled_at.is_(None)
    & Message.erased_at.is_(None)
    & ((Message.purpose != MailPurpose.LEAD_DELIVERY) | (Message.version == 0))
    & ~exists().where(
        _Later.subject_id == Message.subject_id,
        _Later.purpose == Message.purpose,
        _Later.created_at > Message.created_at,
        # Of one correction each installer is told, and no other's mail arrives in place of it.
        (Message.purpose != MailPurpose.LEAD_CORRECTION) | (_Later.recipient_hash == Message.recipient_hash),
    )
)
"""It did not arrive, and nothing has taken its place: no later mail about the same, and no exception of dispatch.

A lead's that came back is dispatch's affair too, and operations are told of it.
"""

IS_UNKNOWN: ColumnElement[bool] = _IS_UNKNOWN


@dataclass(frozen=True, slots=True)
class Mailed:
    """What became of a message, for who shows what it carried."""

    id: UUID
    standing: Standing
    reason_code: str | None


async def mailed(session: AsyncSession, message_ids: Collection[UUID]) -> dict[UUID, Mailed]:
    if not message_ids:
        return {}
    rows = await session.execute(
        select(Message.id, Message.state, Message.reason_code).where(Message.id.in_(message_ids))
    )
    return {row.id: Mailed(row.id, standing_of(row.state, row.reason_code), row.reason_code) for row in rows}


@dataclass(frozen=True, slots=True)
class Piled:
    """How many there are, and since when the first of them."""

    number: int
    oldest: datetime | None


async def undelivered(session: AsyncSession) -> Piled:
    return await _piled(session, IS_UNDELIVERED)


async def unknown(session: AsyncSession) -> Piled:
    return await _piled(session, IS_UNKNOWN)


async def _piled(session: AsyncSession, condition: ColumnElement[bool]) -> Piled:
    number, oldest = (await session.execute(select(func.count(), func.min(Message.state_since)).where(condition))).one()
    return Piled(number, oldest)
