"""Alerts to operations: one mail lists all of a kind that came together, so that trouble does not flood a mailbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from services.notifications.commands.messages import Draft, queue_messages
from services.notifications.domain.addresses import address_hash
from services.notifications.domain.purposes import MailPurpose
from services.notifications.models import Message
from services.notifications.queries.messages import last_alert_due_at, lock_waiting_alert

LISTED_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class AlertKind:
    """`code` is the event's type; `advice` says what to do about it, in a sentence."""

    code: str
    title: str
    advice: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that needs an operator: its ids by name, and when it arose (ISO 8601).

    `event_id` is of the event that told of it.
    """

    event_id: UUID
    reason_code: str
    at: str
    ids: dict[str, str]
    detail: str = ""
    cause: Cause | None = None

    def as_context(self) -> dict[str, Any]:
        return {"reason_code": self.reason_code, "at": self.at, "ids": self.ids, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class AlertTerms:
    recipient: str
    interval_seconds: float
    mail_domain: str
    now: datetime


async def raise_alert(session: AsyncSession, kind: AlertKind, troubles: Sequence[Trouble], terms: AlertTerms) -> None:
    """Joins an alert of the kind that is still waiting, or queues one; not more often than the interval allows."""
    waiting = await lock_waiting_alert(session, kind.code, address_hash(terms.recipient))
    if waiting is not None:
        _join(waiting, troubles)
        await session.flush()
        return
    last_due = await last_alert_due_at(session, kind.code, address_hash(terms.recipient))
    earliest = last_due + timedelta(seconds=terms.interval_seconds) if last_due else terms.now
    await queue_messages(
        session, [_draft(kind, troubles, terms, max(terms.now, earliest))], terms.mail_domain, terms.now
    )


def _draft(kind: AlertKind, troubles: Sequence[Trouble], terms: AlertTerms, due_at: datetime) -> Draft:
    """Its identity is the first event's: the batch that is handled again is the same alert."""
    first = troubles[0]
    return Draft(
        purpose=MailPurpose.OPS_ALERT,
        subject_kind=kind.code,
        subject_id=first.event_id,
        recipient_email=terms.recipient,
        recipient_name="Operations",
        context=_listed({"title": kind.title, "advice": kind.advice, "count": 0, "items": []}, troubles),
        cause=first.cause,
        due_at=due_at,
    )


def _join(alert: Message, troubles: Sequence[Trouble]) -> None:
    # A new dict: the column notices no change inside the old one.
    alert.context = _listed(alert.context or {"count": 0, "items": []}, troubles)


def _listed(context: dict[str, Any], troubles: Sequence[Trouble]) -> dict[str, Any]:
    """All are counted; those beyond what a mail can show are not listed."""
    items = [*context["items"], *(trouble.as_context() for trouble in troubles)]
    return {**context, "count": context["count"] + len(troubles), "items": items[:LISTED_AT_MOST]}
