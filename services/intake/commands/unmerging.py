"""Taking a merge apart: both leads are as if it had never been, but for what cannot be taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from contracts.intake import LeadReopened, LeadUnmerged
from services.intake import queries
from services.intake.commands.dispatches import followed_all
from services.intake.commands.judging import pair_by_hand
from services.intake.commands.judging_again import judge_again
from services.intake.commands.leads.correcting import Made, make_right, said_by
from services.intake.commands.merging import PAIR
from services.intake.commands.reviewing import let_go, step
from services.intake.commands.searching import index_leads
from services.intake.commands.settling import open_between
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.corrections import changes_between
from services.intake.domain.duplicates import PairState
from services.intake.domain.merging import Undone, UnmergeReason, undone
from services.intake.errors import LeadNotMerged, UnmergeBlocked
from services.intake.models import Lead, Merge
from services.intake.queries import LeadStanding
from services.intake.queries.screening import hold_screening

UNMERGED = "unmerged"
"""Why a lead goes on that was closed, in its way."""


@dataclass(frozen=True, slots=True)
class UnmergeLead:
    """`lead_id` is the one that was merged away."""

    lead_id: UUID
    reason: UnmergeReason
    note: str | None
    by: Actor
    now: datetime


async def unmerge_lead(session: AsyncSession, command: UnmergeLead) -> Merge:
    """Last in, first out. The credits that were asked for stand. Taken apart twice is taken apart once."""
    merge = await _standing(session, command.lead_id)
    if merge.unmerged_at is not None:
        return merge
    await hold_screening(session)
    leads = await queries.locked_leads(session, merge.survivor_id, merge.loser_id)
    # Read again under the lock: somebody else may just have taken it apart.
    if await queries.standing_merge(session, merge.loser_id) is not merge:
        return merge
    survivor, loser = leads[merge.survivor_id], leads[merge.loser_id]
    if obstacle := await queries.obstacle_to_unmerge(session, merge, survivor):
        raise UnmergeBlocked(obstacle, lead_id=loser.id, survivor_id=survivor.id)
    merge.unmerged_at, merge.unmerged_by = command.now, command.by.name
    merge.unmerge_reason, merge.unmerge_note = command.reason, command.note
    _raise_up(session, loser, merge, command)
    is_held = loser.status is LeadStatus.DUPLICATE_REVIEW
    # Merges of before tell nothing of the pair: it was open then, as most are.
    is_held_by_it = is_held and merge.loser_before.get(PAIR, PairState.OPEN) == PairState.OPEN
    await pair_by_hand(session, survivor, loser, PairState.DISMISSED, merge, is_held_again=is_held_by_it)
    await session.flush()
    await open_between(session, merge)
    restored = await _give_back(session, survivor, merge, command)
    await _tell(session, loser, merge, command)
    if is_held and not await queries.holding_pairs(session, [loser.id]):
        # What held it was decided meanwhile.
        await let_go(session, loser, command.by, command.now)
    await _record(session, loser, merge, restored, command)
    return merge


async def _standing(session: AsyncSession, lead_id: UUID) -> Merge:
    await queries.lead(session, lead_id)
    merge = await queries.last_merge(session, lead_id)
    if merge is None:
        raise LeadNotMerged("it was not merged into another", lead_id=lead_id)
    return merge


def _raise_up(session: AsyncSession, loser: Lead, merge: Merge, command: UnmergeLead) -> None:
    """As it stood, and then as routing said meanwhile."""
    before = merge.loser_before
    standing = LeadStanding(
        id=loser.id,
        status=LeadStatus(before["status"]),
        status_since=datetime.fromisoformat(before["status_since"]),
        dispatch_version=0,
        delivered_at=loser.delivered_at,
        exception_reason=before["exception_reason"],
    )
    followed_all(standing, merge.steps_meanwhile)
    loser.merged_into = None
    loser.status, loser.status_since = standing.status, standing.status_since
    loser.exception_reason = standing.exception_reason
    loser.close_reason = CloseReason(before["close_reason"]) if before["close_reason"] else None
    loser.critical_since, loser.snoozed_until = _instant(before["critical_since"]), _instant(before["snoozed_until"])
    if not loser.status.is_final:
        session.add(step(loser, LeadStatus.CLOSED, command.by, command.now, UNMERGED))


def _instant(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


async def _give_back(session: AsyncSession, survivor: Lead, merge: Merge, command: UnmergeLead) -> Undone:
    """What was corrected since is right, whoever of the two it came from: it stays."""
    changed = await queries.merge_fields(session, merge.id)
    back = undone(changed, await queries.corrected_since(session, merge))
    if changes := changes_between(said_by(survivor), back.restored):
        made = Made("unmerge", command.reason, command.note, command.by, command.now)
        await make_right(session, survivor, changes, made)
    else:
        await index_leads(session, [survivor.id])
        # Corrected since, it may be like one of those that were its own family until now.
        await judge_again(session, survivor, command.now)
    return back


async def _tell(session: AsyncSession, loser: Lead, merge: Merge, command: UnmergeLead) -> None:
    event = LeadUnmerged(
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
    if merge.is_told and not loser.status.is_final:
        reopened = LeadReopened(lead_id=loser.id, reason_code=UNMERGED, reopened_at=command.now)
        outbox.add(session, reopened, version=loser.next_version())


async def _record(session: AsyncSession, loser: Lead, merge: Merge, back: Undone, command: UnmergeLead) -> None:
    fields = {"fields_kept": [field.value for field in back.kept]} if back.kept else {}
    before = {"status": LeadStatus.CLOSED, "merged_into_lead_id": merge.survivor_id}
    after = {"status": loser.status, "merged_into_lead_id": None, "was_in_lead_id": merge.survivor_id}
    apart = {"merged_lead_id": None, "unmerged_lead_id": merge.loser_id, **fields}
    told: tuple[tuple[str, UUID, dict[str, Any], dict[str, Any]], ...] = (
        ("unmerge_lead", merge.loser_id, before, after),
        ("unmerge_from", merge.survivor_id, {"merged_lead_id": merge.loser_id}, apart),
    )
    for action, lead_id, was, became in told:
        await audit.record(
            session,
            actor=command.by,
            action=action,
            subject=Subject("lead", lead_id),
            before=was,
            after={**became, "at": command.now},
            reason_code=command.reason,
            reason_text=command.note,
        )
