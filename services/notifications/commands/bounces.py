"""Mails that come back after a server had taken them over: told once, to all whom it concerns."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from contracts.notifications import MessageBounced
from services.notifications.commands.accounts import count_bounce
from services.notifications.commands.alerts import AlertKind, AlertTerms, Trouble, raise_alert
from services.notifications.commands.messages import cause_of, publish_settled
from services.notifications.commands.outcomes import note_tickets_of_failed
from services.notifications.commands.suppressions import suppress_after_bounce
from services.notifications.domain.bounces import Notice, read_notice
from services.notifications.domain.messages import PUBLISHED, TELLS_OF_ASSIGNMENTS, MessageState
from services.notifications.domain.purposes import MailPurpose
from services.notifications.errors import BounceNotOurs, MessageNotAccepted, NoNotification, NotBounced
from services.notifications.models import Message
from services.notifications.queries.accounts import lock_accounts
from services.notifications.queries.messages import lock_named

LEAD_BOUNCED = AlertKind(
    MessageBounced.type,
    "Leads came back after they were delivered",
    "Each was charged, and its installer does not have it: tell them of it, or take its return on the assignment.",
)


@dataclass(frozen=True, slots=True)
class BounceTerms:
    suppression_days: int
    alerts: AlertTerms


async def take_bounce(session: AsyncSession, raw: bytes, actor: Actor, terms: BounceTerms) -> Message:
    """The message that came back. A second notification of it, or the same one again, says nothing new.

    Of the notification its status alone is kept: what it returns may hold a person's words.
    """
    notice, now = _bounce_in(raw), terms.alerts.now
    # Before the message, as the sender locks them when it records what became of its tries.
    accounts = {account.id: account for account in await lock_accounts(session)}
    message = await _named(session, notice)
    if message.bounced_at is not None:
        return message
    if message.state is not MessageState.ACCEPTED:
        raise MessageNotAccepted(f"it is {message.standing}", message_id=message.id)
    before = _told(message)
    message.bounced_at, message.bounce_status = now, notice.status
    message.reason_code, message.state_since = notice.reason_code, now
    _publish(session, message, notice)
    await suppress_after_bounce(session, message, now, terms.suppression_days)
    await note_tickets_of_failed(session, [message], now)
    if message.sender_account_id is not None:
        await count_bounce(session, accounts[message.sender_account_id], now)
    await _alert(session, message, terms.alerts)
    await _audit(session, message, actor, before)
    await session.flush()
    return message


def _bounce_in(raw: bytes) -> Notice:
    notice = read_notice(raw)
    if notice is None:
        raise NoNotification("give the whole mail as it came, headers and all: RFC 3464 says what has to be in it")
    if not notice.is_bounce:
        raise NotBounced(f"its action is {notice.action}, its status {notice.status}")
    return notice


async def _named(session: AsyncSession, notice: Notice) -> Message:
    message = await lock_named(session, notice.header_ids, notice.ids)
    if message is None:
        raise BounceNotOurs("neither the Message-ID nor the envelope id that it names is one of ours")
    return message


def _told(message: Message) -> Mapping[str, object]:
    return {
        "standing": message.standing,
        "reason_code": message.reason_code,
        "bounce_status": message.bounce_status,
    }


def _publish(session: AsyncSession, message: Message, notice: Notice) -> None:
    """To those who were told that it was accepted."""
    if message.purpose in TELLS_OF_ASSIGNMENTS:
        publish_settled(session, message, message.state_since)
    if message.purpose not in PUBLISHED:
        return
    event = MessageBounced(
        message_id=message.id,
        purpose=message.purpose.on_the_wire,
        subject_kind=message.subject_kind,
        subject_id=message.subject_id,
        bounce_class=notice.bounce_class,
        enhanced_status=notice.status,
        reason_code=notice.reason_code,
        bounced_at=message.state_since,
    )
    outbox.add(session, event, version=message.next_version(), cause=cause_of(message))


async def _alert(session: AsyncSession, message: Message, terms: AlertTerms) -> None:
    """All other mail stands among what was not delivered until another takes its place; this one was charged."""
    if message.purpose is not MailPurpose.LEAD_DELIVERY:
        return
    trouble = Trouble(
        event_id=message.id,
        reason_code=message.reason_code or "",
        at=terms.now.isoformat(),
        ids={message.subject_kind: str(message.subject_id)},
        cause=cause_of(message),
    )
    await raise_alert(session, LEAD_BOUNCED, [trouble], terms)


async def _audit(session: AsyncSession, message: Message, actor: Actor, before: Mapping[str, object]) -> None:
    await audit.record(
        session,
        actor=actor,
        action="take_bounce",
        subject=Subject("message", message.id),
        before=before,
        after=_told(message),
        reason_code=message.reason_code,
    )
