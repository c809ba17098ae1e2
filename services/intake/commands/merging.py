"""Making two leads one: the survivor goes on for both, the loser is kept as a tombstone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.ids import new_id
from contracts.intake import LeadClosed, LeadMerged
from contracts.values import CreditReason
from services.intake import queries
from services.intake.commands.crediting import AskCredits, ask_credits
from services.intake.commands.crediting_later import AskCreditsLater, ask_what_is_missing
from services.intake.commands.judging import pair_by_hand
from services.intake.commands.leads.correcting import Made, make_right, said_by
from services.intake.commands.reviewing import let_go, step
from services.intake.commands.searching import index_leads
from services.intake.commands.settling import settle_between
from services.intake.domain import CloseReason, LeadAction, LeadStatus
from services.intake.domain.corrections import Correctable, corrected_by
from services.intake.domain.duplicates import PairState
from services.intake.domain.merging import MergeReason, obstacle_to_pair, taken_fields
from services.intake.errors import LeadNotMergeable
from services.intake.models import Lead, LeadPair, Merge, MergeField
from services.intake.queries.screening import hold_screening

MERGED = "merged"
"""Why a lead was closed, in its way; for the others it is a duplicate."""


@dataclass(frozen=True, slots=True)
class MergeLeads:
    """`take` are the fields that the survivor takes from the loser; `credits` assignments of the loser's family."""

    survivor_id: UUID
    loser_id: UUID
    take: frozenset[Correctable]
    reason: MergeReason
    note: str | None
    by: Actor
    now: datetime
    credits: tuple[UUID, ...] = ()


async def merge_leads(session: AsyncSession, command: MergeLeads) -> Merge:
    """In one transaction: the fields, the tombstone, the pair, the credits. Merged twice is merged once.

    What a merge that stands was to ask for besides is asked for all the same.
    """
    if command.survivor_id == command.loser_id:
        raise LeadNotMergeable("a lead is not merged with itself", lead_id=command.loser_id)
    await hold_screening(session)
    leads = await queries.locked_leads(session, command.survivor_id, command.loser_id)
    survivor, loser = leads[command.survivor_id], leads[command.loser_id]
    standing = await queries.standing_merge(session, loser.id)
    if standing is not None and standing.survivor_id == survivor.id:
        if command.credits:
            later = AskCreditsLater(loser.id, command.credits, command.note, command.by, command.now)
            await ask_what_is_missing(session, loser, later, command.reason)
        return standing
    _refuse(survivor, loser, standing)
    merge = _merge(command, loser, await queries.pair_of(session, survivor.id, loser.id))
    changed = taken_fields(said_by(survivor), said_by(loser), command.take)
    await pair_by_hand(session, survivor, loser, PairState.MERGED, merge)
    session.add(merge)
    await session.flush()
    await settle_between(session, merge)
    _entomb(session, loser, command, merge)
    await session.flush()
    await _take(session, survivor, command, merge, changed)
    await _release(session, survivor, command)
    await _tell(session, loser, command, merge)
    await _record(session, command, merge, loser, changed)
    return merge


def _refuse(survivor: Lead, loser: Lead, standing: Merge | None) -> None:
    if standing is not None:
        raise LeadNotMergeable(f"{standing.merged_by} merged it into another lead", lead_id=loser.id)
    for lead in (survivor, loser):
        if obstacle := lead.obstacle_to(LeadAction.MERGE):
            raise LeadNotMergeable(f"{obstacle}, and is not merged", lead_id=lead.id)
    if between := obstacle_to_pair((survivor.id, survivor.status), (loser.id, loser.status)):
        raise LeadNotMergeable(between, lead_id=loser.id)


def _merge(command: MergeLeads, loser: Lead, pair: LeadPair | None) -> Merge:
    return Merge(
        id=new_id(),
        survivor_id=command.survivor_id,
        loser_id=command.loser_id,
        loser_before={**standing_of(loser), PAIR: pair.state if pair else None},
        steps_meanwhile=[],
        is_told=loser.version > 0 and not loser.status.is_final,
        reason_code=command.reason,
        note=command.note,
        merged_at=command.now,
        merged_by=command.by.name,
    )


PAIR = "pair"
"""Of what is kept of the loser: how the pair of the two stood, where there was one."""
RESTORED = ("status", "status_since", "exception_reason", "close_reason", "critical_since", "snoozed_until")


def standing_of(lead: Lead) -> dict[str, Any]:
    """How it stood, and what was marked on it: never what it says."""
    told = {name: getattr(lead, name) for name in RESTORED}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


def _entomb(session: AsyncSession, loser: Lead, command: MergeLeads, merge: Merge) -> None:
    """Nobody gets it any more, and nothing happens to it by itself. What was over already stays as it was."""
    before = loser.status
    loser.close_reason, loser.merged_into = CloseReason.DUPLICATE, merge.survivor_id
    loser.critical_since = loser.snoozed_until = loser.exception_reason = None
    if not before.is_final:
        loser.status, loser.status_since = LeadStatus.CLOSED, command.now
        session.add(step(loser, before, command.by, command.now, MERGED))
    if merge.is_told:
        event = LeadClosed(lead_id=loser.id, reason_code=CloseReason.DUPLICATE, closed_at=command.now)
        outbox.add(session, event, version=loser.next_version())


async def _take(
    session: AsyncSession, survivor: Lead, command: MergeLeads, merge: Merge, changed: dict[str, tuple[str, str]]
) -> None:
    """Found by what both say from now on."""
    if not changed:
        await index_leads(session, [survivor.id])
        return
    session.add_all(
        MergeField(merge_id=merge.id, field=field, before=before, after=after)
        for field, (before, after) in changed.items()
    )
    made = Made("merge", command.reason, command.note, command.by, command.now)
    await make_right(session, survivor, {field: after for field, (_, after) in changed.items()}, made)


async def _release(session: AsyncSession, survivor: Lead, command: MergeLeads) -> None:
    """Where it was held for the loser alone, nothing holds it any more."""
    if survivor.status is LeadStatus.DUPLICATE_REVIEW and not await queries.holding_pairs(session, [survivor.id]):
        await let_go(session, survivor, command.by, command.now)


async def _tell(session: AsyncSession, loser: Lead, command: MergeLeads, merge: Merge) -> None:
    event = LeadMerged(
        lead_id=loser.id,
        survivor_id=merge.survivor_id,
        merge_id=merge.id,
        reason_code=command.reason,
        at=command.now,
        by_id=command.by.id,
        by_name=command.by.name,
        same_person_lead_ids=tuple(await queries.same_person(session, loser.id)),
    )
    outbox.add(session, event, version=loser.next_deed())
    asked = dict.fromkeys(command.credits, CreditReason.DUPLICATE_DISPATCH)
    ask = AskCredits("merge", merge.id, asked, f"merged: {command.reason}", command.by, command.now)
    await ask_credits(session, loser, ask)


async def _record(
    session: AsyncSession, command: MergeLeads, merge: Merge, loser: Lead, changed: dict[str, tuple[str, str]]
) -> None:
    """With both: the values stand with the merge, where an erasure blanks them."""
    fields = [field.value for field in corrected_by({name: after for name, (_, after) in changed.items()})]
    before = {"status": merge.loser_before["status"], "merged_into_lead_id": None}
    after = {"status": loser.status, "merged_into_lead_id": command.survivor_id}
    taken = {"merged_lead_id": command.loser_id, "fields_taken": fields}
    told: tuple[tuple[str, UUID, dict[str, Any], dict[str, Any]], ...] = (
        ("merge_leads", command.survivor_id, {"merged_lead_id": None}, taken),
        ("merge_into", command.loser_id, before, after),
    )
    asked = {"credits_asked": len(command.credits)} if command.credits else {}
    for action, lead_id, was, became in told:
        await audit.record(
            session,
            actor=command.by,
            action=action,
            subject=Subject("lead", lead_id),
            before=was,
            after={**became, **asked, "at": command.now},
            reason_code=command.reason,
            reason_text=command.note,
        )
