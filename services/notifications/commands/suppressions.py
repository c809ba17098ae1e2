"""The suppression list: addresses that get no mail for a while, and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.errors import NotFound
from chassis.ids import new_id
from services.notifications.domain.addresses import address_hash
from services.notifications.domain.replies import SuppressionSource, is_of_no_mailbox, reason_code, suppresses
from services.notifications.domain.suppressions import obstacle_to_lifting
from services.notifications.models import Message, Suppression

if TYPE_CHECKING:
    from services.notifications.commands.outcomes import Outcome


async def suppress_address(
    session: AsyncSession, address: str, actor: Actor, reason: str, now: datetime, days: int
) -> Suppression:
    """By an operator. An address that is on the list already stays there longer."""
    row = _row(address_hash(address), "operator", SuppressionSource.OPERATOR, now, days) | {"detail": reason}
    await _put(session, [row])
    standing = (await session.scalars(_standing(row["address_hash"]))).one()
    await _audit(session, actor, "suppress_address", standing, reason)
    return standing


async def suppress_after_refusal(
    session: AsyncSession, outcomes: Sequence["Outcome"], messages: Mapping[UUID, Message], now: datetime, days: int
) -> None:
    rows = {
        messages[outcome.message_id].recipient_hash: outcome
        for outcome in outcomes
        if outcome.reply is not None and suppresses(outcome.reply)
    }
    await _put(
        session,
        [
            _row(hash_, reason_code(outcome.reply), SuppressionSource.SMTP, now, days)
            | {"detail": outcome.reply.enhanced_status, "message_id": outcome.message_id}
            for hash_, outcome in sorted(rows.items())
            if outcome.reply is not None
        ],
    )


async def suppress_after_bounce(session: AsyncSession, message: Message, now: datetime, days: int) -> None:
    """What a server says when it sends a mail back counts as what it says at once."""
    if is_of_no_mailbox(message.bounce_status):
        row = _row(message.recipient_hash, message.reason_code or "", SuppressionSource.SMTP, now, days)
        await _put(session, [row | {"detail": message.bounce_status, "message_id": message.id}])


async def lift_after_success(session: AsyncSession, hashes: Sequence[str], now: datetime) -> None:
    """A mail that arrived shows that the address is good; what an operator put on the list says more than that."""
    if hashes:
        await session.execute(
            update(Suppression)
            .where(Suppression.address_hash.in_(sorted(set(hashes))), Suppression.lifted_at.is_(None))
            .where(Suppression.source == SuppressionSource.SMTP)
            .values(lifted_at=now, lifted_by="Waybill", lifted_reason="delivered")
        )


async def lift_suppression(
    session: AsyncSession, suppression_id: UUID, actor: Actor, reason: str, now: datetime
) -> Suppression:
    """Lifted or expired already: nothing to do."""
    suppression = NotFound.unless(
        await session.get(Suppression, suppression_id, with_for_update=True, populate_existing=True),
        "no such suppression",
        suppression_id=suppression_id,
    )
    if not obstacle_to_lifting(suppression.lifted_at, suppression.expires_at, now):
        suppression.lifted_at, suppression.lifted_by, suppression.lifted_reason = now, actor.name, reason
        await _audit(session, actor, "lift_suppression", suppression, reason)
    await session.flush()
    return suppression


async def _put(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """One standing entry per address; one that has expired is closed, so that its reason stays on record.

    A server's answer takes no operator's place.
    """
    if not rows:
        return
    await session.execute(
        update(Suppression)
        .where(
            Suppression.address_hash.in_([row["address_hash"] for row in rows]),
            Suppression.lifted_at.is_(None),
            Suppression.expires_at <= rows[0]["created_at"],
        )
        .values(lifted_at=Suppression.expires_at, lifted_by="Waybill", lifted_reason="expired")
    )
    insertion = insert(Suppression)
    await session.execute(
        insertion.on_conflict_do_update(
            index_elements=["address_hash"],
            index_where=Suppression.lifted_at.is_(None),
            where=or_(
                insertion.excluded.source == SuppressionSource.OPERATOR, Suppression.source == SuppressionSource.SMTP
            ),
            set_={
                name: insertion.excluded[name]
                for name in ("reason_code", "source", "detail", "message_id", "expires_at")
            },
        ),
        rows,
    )


async def _audit(session: AsyncSession, actor: Actor, action: str, suppression: Suppression, reason: str) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        subject=Subject("suppression", suppression.id),
        after={"expires_at": suppression.expires_at, "lifted_at": suppression.lifted_at},
        reason_text=reason,
    )


def _row(hash_: str, reason_code: str, source: SuppressionSource, now: datetime, days: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "address_hash": hash_,
        "reason_code": reason_code,
        "source": source,
        "detail": None,
        "message_id": None,
        "created_at": now,
        "expires_at": now + timedelta(days=days),
    }


def _standing(hash_: str) -> Select[Suppression]:
    return select(Suppression).where(Suppression.address_hash == hash_, Suppression.lifted_at.is_(None))
