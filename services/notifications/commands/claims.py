"""Taking messages in hand: the due ones, each with the sender account that is to send it, on a lease.

The accounts' rows are locked first, so that two processes do not spend the same cap or probe twice; the messages are
taken past each other's locks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.notifications.commands.accounts import note_health
from services.notifications.commands.messages import publish_outcome, settle
from services.notifications.commands.outcomes import note_tickets_of_failed, put_off
from services.notifications.domain.accounts import Candidate, at, choose, room_of, weight_of
from services.notifications.domain.messages import MailClass, MessageState
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import Verdict
from services.notifications.models import Attempt, Document, Message, SenderAccount
from services.notifications.queries.accounts import AccountFigures, account_figures, in_hand_by_account, lock_accounts
from services.notifications.queries.messages import (
    RENEW_LEASES,
    accounts_of_threads,
    documents,
    lease_end,
    lock_due_messages,
    lock_expired_messages,
)
from services.notifications.queries.suppressions import suppressed_hashes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in hand, with all that sending it needs. `attempt_no` is the claim: a later one makes it void."""

    message_id: UUID
    attempt_no: int
    purpose: MailPurpose
    template: str
    template_version: int
    context: Mapping[str, Any]
    recipient_email: str
    recipient_name: str
    header_id: str
    extra_headers: Mapping[str, str]
    dated_at: datetime
    document: Document | None
    account_id: UUID
    secret_name: str
    from_address: str
    from_name: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class ClaimTerms:
    """`machine_now` becomes the Date of mail that has none yet; `now` is business time."""

    room: int
    lease_seconds: float
    now: datetime
    machine_now: datetime
    zone: ZoneInfo


async def claim_messages(session: AsyncSession, terms: ClaimTerms) -> list[Claimed]:
    """Takes up to `room` due messages in hand, the urgent ones first. None while no account may send."""
    accounts = {account.id: account for account in await lock_accounts(session)}
    await _take_back_expired(session, terms)
    candidates = await _candidates(session, accounts, terms)
    classes = [mail_class for mail_class in MailClass if any(c.takes(mail_class) for c in candidates)]
    due = await lock_due_messages(session, classes, terms.room, terms.now)
    deliverable = await _without_suppressed(session, due, terms.now)
    chosen = await _choose_accounts(session, deliverable, candidates)
    await _take_in_hand(session, chosen, terms)
    return await _described(session, chosen, accounts)


async def _candidates(
    session: AsyncSession, accounts: Mapping[UUID, SenderAccount], terms: ClaimTerms
) -> list[Candidate]:
    """The accounts' health as of now is written down as well: a break that is over is over."""
    figures = await account_figures(session, list(accounts.values()), terms.now, terms.zone)
    in_flight = await in_hand_by_account(session)
    for account in accounts.values():
        note_health(account, at(account.health, figures[account.id].traffic, terms.now, terms.zone))
    return [_candidate(account, figures[account.id], in_flight.get(account.id, 0)) for account in accounts.values()]


def _candidate(account: SenderAccount, figures: AccountFigures, in_flight: int) -> Candidate:
    return Candidate(
        account_id=account.id,
        mail_classes=frozenset(MailClass(mail_class) for mail_class in account.mail_classes),
        weight=weight_of(account.health, figures.traffic, account.weight),
        load=figures.traffic.sends_today + in_flight,
        room=room_of(account.health, figures.traffic, in_flight),
    )


async def _without_suppressed(session: AsyncSession, due: Sequence[Message], now: datetime) -> list[Message]:
    """Every mail comes this way, so that the suppression list applies to every path."""
    hashes = [message.recipient_hash for message in due if message.override_reason is None]
    suppressed = await suppressed_hashes(session, hashes, now)
    stopped = [m for m in due if m.override_reason is None and m.recipient_hash in suppressed]
    for message in stopped:
        settle(message, MessageState.SUPPRESSED, "suppressed", now)
        publish_outcome(session, message, now)
    await note_tickets_of_failed(session, stopped, now)
    return [message for message in due if message.state.is_waiting]


async def _choose_accounts(
    session: AsyncSession, messages: Sequence[Message], candidates: Sequence[Candidate]
) -> list[tuple[Message, UUID]]:
    threads = [message.thread_id for message in messages if message.thread_id]
    kept = await accounts_of_threads(session, threads)
    chosen = [
        (
            message,
            choose(candidates, message.mail_class, kept.get(message.thread_id) if message.thread_id else None),
        )
        for message in messages
    ]
    return [(message, account_id) for message, account_id in chosen if account_id is not None]


async def _take_in_hand(session: AsyncSession, chosen: Sequence[tuple[Message, UUID]], terms: ClaimTerms) -> None:
    for message, account_id in chosen:
        message.state, message.state_since, message.reason_code = MessageState.SENDING, terms.now, None
        message.sender_account_id = account_id
        message.attempts += 1
        message.dated_at = message.dated_at or terms.machine_now
        # The database's clock: it is the same for all processes and does not move with business time.
        message.lease_until = lease_end(terms.lease_seconds)
    await session.flush()
    if chosen:
        await session.execute(
            insert(Attempt), [_attempt(message, account_id, terms.now) for message, account_id in chosen]
        )


def _attempt(message: Message, account_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "message_id": message.id,
        "attempt_no": message.attempts,
        "sender_account_id": account_id,
        "started_at": now,
    }


async def _take_back_expired(session: AsyncSession, terms: ClaimTerms) -> None:
    """What a dead process had in hand may have been sent or not: marked as unknown, then due again.

    It carries the same Message-ID and the same bytes, so that a reader who gets it twice has one mail.
    """
    expired = await lock_expired_messages(session, terms.room)
    for message in expired:
        message.unknown_outcomes += 1
        put_off(message, Verdict.OUTCOME_UNKNOWN, "outcome_unknown", terms.now)
        if message.state is MessageState.DEFERRED:
            # The lease was its delay.
            message.next_attempt_at = terms.now
        publish_outcome(session, message, terms.now)
    await note_tickets_of_failed(session, expired, terms.now)
    await session.flush()
    await session.execute(
        update(Attempt)
        .where(Attempt.message_id.in_([message.id for message in expired]), Attempt.finished_at.is_(None))
        .values(outcome=Verdict.OUTCOME_UNKNOWN, finished_at=terms.now)
    )


async def _described(
    session: AsyncSession, chosen: Sequence[tuple[Message, UUID]], accounts: Mapping[UUID, SenderAccount]
) -> list[Claimed]:
    document_ids = {message.document_id for message, _ in chosen if message.document_id}
    arrived = await documents(session, document_ids)
    return [
        _claimed(message, accounts[account_id], arrived.get(message.document_id) if message.document_id else None)
        for message, account_id in chosen
    ]


def _claimed(message: Message, account: SenderAccount, document: Document | None) -> Claimed:
    assert message.dated_at is not None  # noqa: S101  # taken in hand just now
    return Claimed(
        message_id=message.id,
        attempt_no=message.attempts,
        purpose=message.purpose,
        template=message.template,
        template_version=message.template_version,
        context=message.context or {},
        recipient_email=message.recipient_email or "",
        recipient_name=message.recipient_name or "",
        header_id=message.header_id,
        extra_headers=message.extra_headers,
        dated_at=message.dated_at,
        document=document,
        account_id=account.id,
        secret_name=account.secret_name,
        from_address=account.from_address,
        from_name=account.from_name,
        traceparent=message.traceparent,
    )


async def renew_leases(session: AsyncSession, in_hand: Sequence[tuple[UUID, int]], lease_seconds: float) -> None:
    """Those that are still ours stay so: `(message id, attempt no)` of each."""
    await session.execute(
        RENEW_LEASES,
        {
            "ids": [message_id for message_id, _ in in_hand],
            "attempt_nos": [attempt_no for _, attempt_no in in_hand],
            "lease_seconds": lease_seconds,
        },
    )
