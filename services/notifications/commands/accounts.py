"""Sender accounts: added and changed by operators, judged by what happens to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.constraints import flush_or_refuse
from chassis.errors import NotFound, Refusal
from chassis.ids import new_id
from services.notifications.domain.accounts import (
    AccountAction,
    AccountState,
    Health,
    bucket_start,
    obstacle_to,
    resumed,
    suspended,
)
from services.notifications.domain.messages import MailClass
from services.notifications.domain.replies import Verdict
from services.notifications.errors import SenderAccountExists
from services.notifications.models import SenderAccount, SenderCount

log = structlog.get_logger(__name__)

DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class AccountProfile:
    name: str
    from_address: str
    from_name: str
    secret_name: str
    daily_cap: int
    mail_classes: frozenset[MailClass] = frozenset(MailClass)
    weight: int = 1


class Judged(Protocol):
    """One try, as far as its account is concerned."""

    @property
    def account_id(self) -> UUID: ...
    @property
    def verdict(self) -> Verdict: ...


async def add_account(session: AsyncSession, profile: AccountProfile, actor: Actor, now: datetime) -> SenderAccount:
    account = SenderAccount(id=new_id(), state=AccountState.ACTIVE, state_since=now, counted_since=now, created_at=now)
    account.faults_in_a_row = account.authentication_failures = 0
    _apply(account, profile)
    session.add(account)
    await flush_or_refuse(session, _name_taken(profile))
    await _audit(session, actor, "add_sender_account", account, None, None)
    return account


async def keep_default_account(session: AsyncSession, profile: AccountProfile, now: datetime) -> None:
    """The account of `SMTP_URL` is there from the start, with the sender that the settings name."""
    row = {
        "id": new_id(),
        "name": DEFAULT_ACCOUNT,
        "from_address": profile.from_address,
        "from_name": profile.from_name,
        "secret_name": profile.secret_name,
        "mail_classes": sorted(profile.mail_classes),
        "daily_cap": profile.daily_cap,
        "state": AccountState.ACTIVE,
        "state_since": now,
        "counted_since": now,
        "created_at": now,
    }
    settings_own = {"from_address": profile.from_address, "from_name": profile.from_name}
    insertion = insert(SenderAccount).values(row)
    await session.execute(insertion.on_conflict_do_update(index_elements=["name"], set_=settings_own))


async def change_account(
    session: AsyncSession, account_id: UUID, changes: Mapping[str, Any], actor: Actor
) -> SenderAccount:
    """`changes` are fields of the profile; what they leave out stays."""
    account = await _locked(session, account_id)
    before = _facts(account)
    profile = replace(_profile(account), **changes)
    _apply(account, profile)
    await flush_or_refuse(session, _name_taken(profile))
    await _audit(session, actor, "change_sender_account", account, before, None)
    await session.flush()
    return account


async def suspend_account(
    session: AsyncSession, account_id: UUID, actor: Actor, reason: str, now: datetime
) -> SenderAccount:
    """Suspended already: nothing to do."""
    account = await _locked(session, account_id)
    if obstacle_to(AccountAction.SUSPEND, account.state):
        return account
    before = _facts(account)
    note_health(account, suspended(account.health, now))
    await _audit(session, actor, "suspend_sender_account", account, before, reason)
    await session.flush()
    return account


async def resume_account(
    session: AsyncSession, account_id: UUID, actor: Actor, reason: str, now: datetime
) -> SenderAccount:
    """Its next message is a probe. One that may send already is left as it is."""
    account = await _locked(session, account_id)
    if obstacle_to(AccountAction.RESUME, account.state):
        return account
    before = _facts(account)
    note_health(account, resumed(account.health, now))
    await _audit(session, actor, "resume_sender_account", account, before, reason)
    await session.flush()
    return account


async def count_sends(
    session: AsyncSession, accounts: Mapping[UUID, SenderAccount], tries: Sequence[Judged], now: datetime
) -> None:
    """Adds the tries to their accounts' counts of these ten minutes; the accounts are locked."""
    rows = [
        {
            "account_id": account_id,
            "bucket_start": bucket_start(now, accounts[account_id].counted_since),
            "sends": sum(one.verdict.counts_as_send for one in tries if one.account_id == account_id),
            "refusals": sum(one.verdict is Verdict.REFUSED for one in tries if one.account_id == account_id),
            "faults": sum(one.verdict.is_delivery_fault for one in tries if one.account_id == account_id),
        }
        for account_id in sorted({one.account_id for one in tries})
    ]
    insertion = insert(SenderCount).values(rows)
    added = {
        name: getattr(SenderCount, name) + getattr(insertion.excluded, name) for name in ("sends", "refusals", "faults")
    }
    await session.execute(insertion.on_conflict_do_update(index_elements=["account_id", "bucket_start"], set_=added))


async def count_bounce(session: AsyncSession, account: SenderAccount, now: datetime) -> None:
    """A refusal that came late: the send itself is counted already. The account is locked."""
    row = {"account_id": account.id, "bucket_start": bucket_start(now, account.counted_since), "refusals": 1}
    added = {"refusals": SenderCount.refusals + 1}
    await session.execute(
        insert(SenderCount)
        .values(**row)
        .on_conflict_do_update(index_elements=["account_id", "bucket_start"], set_=added)
    )


def note_health(account: SenderAccount, health: Health) -> None:
    """Writes the health down; a change of it is said aloud, as a cap that is near is somebody's affair."""
    if (account.state, account.reason) != (health.state, health.reason):
        log.warning("sender_account_changed", account=account.name, state=health.state, reason=health.reason)
    account.state = health.state
    account.state_since = health.since
    account.reason = health.reason
    account.next_change_at = health.next_change_at
    account.counted_since = health.counted_since
    account.faults_in_a_row = health.faults_in_a_row
    account.authentication_failures = health.authentication_failures


def _profile(account: SenderAccount) -> AccountProfile:
    return AccountProfile(
        name=account.name,
        from_address=account.from_address,
        from_name=account.from_name,
        secret_name=account.secret_name,
        daily_cap=account.daily_cap,
        mail_classes=frozenset(MailClass(mail_class) for mail_class in account.mail_classes),
        weight=account.weight,
    )


def _apply(account: SenderAccount, profile: AccountProfile) -> None:
    account.name = profile.name
    account.from_address = profile.from_address
    account.from_name = profile.from_name
    account.secret_name = profile.secret_name
    account.daily_cap = profile.daily_cap
    account.mail_classes = sorted(profile.mail_classes)
    account.weight = profile.weight


def _name_taken(profile: AccountProfile) -> Mapping[str, Refusal]:
    return {"uq_sender_accounts_name": SenderAccountExists("choose another name", name=profile.name)}


def _facts(account: SenderAccount) -> dict[str, Any]:
    return {
        "name": account.name,
        "from_address": account.from_address,
        "secret_name": account.secret_name,
        "mail_classes": account.mail_classes,
        "daily_cap": account.daily_cap,
        "weight": account.weight,
        "state": account.state,
    }


async def _audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    account: SenderAccount,
    before: dict[str, Any] | None,
    reason: str | None,
) -> None:
    subject = Subject("sender_account", account.id)
    after = _facts(account)
    await audit.record(
        session, actor=actor, action=action, subject=subject, before=before, after=after, reason_text=reason
    )


async def _locked(session: AsyncSession, account_id: UUID) -> SenderAccount:
    return NotFound.unless(
        await session.get(SenderAccount, account_id, with_for_update=True, populate_existing=True),
        "no such sender account",
        account_id=account_id,
    )
