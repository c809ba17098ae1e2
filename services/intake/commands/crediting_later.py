"""Asking for credits of a deed that stands already: a merge, or a correction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from services.intake import queries
from services.intake.commands.crediting import AskCredits, ask_credits
from services.intake.domain import Obstacle
from services.intake.errors import CreditNotPossible
from services.intake.models import CreditAsked, Lead
from services.intake.queries.merges import CreditDeed


@dataclass(frozen=True, slots=True)
class AskCreditsLater:
    """`credits` are assignments of the lead, or of one that was merged into it."""

    lead_id: UUID
    credits: tuple[UUID, ...]
    note: str | None
    by: Actor
    now: datetime


async def ask_credits_later(session: AsyncSession, command: AskCreditsLater) -> Sequence[CreditAsked]:
    """Those that stand of the deed by then. What was asked for because of it already is not asked for twice."""
    lead = await queries.lead(session, command.lead_id, for_update=True)
    return await ask_what_is_missing(session, lead, command)


async def ask_what_is_missing(
    session: AsyncSession, lead: Lead, command: AskCreditsLater, reason_code: str | None = None
) -> Sequence[CreditAsked]:
    """The lead's row is locked. `reason_code` is that of who did the deed anew, and found it done."""
    if lead.erased_at is not None:
        raise CreditNotPossible(f"{Obstacle.ERASED}, and nothing is asked for", lead_id=lead.id)
    deed = await queries.credit_deed(session, lead)
    if deed is None:
        raise CreditNotPossible("it was neither merged into another, nor corrected to be credited", lead_id=lead.id)
    standing = await queries.credits_because_of(session, deed.deed_id)
    before = [each.assignment_id for each in standing]
    missing = [each for each in dict.fromkeys(command.credits) if each not in before]
    await _refuse_later_ones(session, lead, deed, missing)
    if not missing:
        return standing
    asked = dict.fromkeys(missing, deed.reason)
    await ask_credits(session, lead, AskCredits(deed.deed, deed.deed_id, asked, deed.told, command.by, command.now))
    await audit.record(
        session,
        actor=command.by,
        action="ask_credits",
        subject=Subject("lead", lead.id),
        before={"credits_asked_for": before},
        after={"credits_asked_for": [*before, *missing], "because_of": deed.deed, "at": command.now},
        reason_code=reason_code,
        reason_text=command.note,
    )
    return await queries.credits_because_of(session, deed.deed_id)


async def _refuse_later_ones(
    session: AsyncSession, lead: Lead, deed: CreditDeed, assignment_ids: Collection[UUID]
) -> None:
    """Whoever got the lead after it was corrected got what is right."""
    for each in await queries.creditable_of(session, lead.id):
        if each.known.assignment_id in assignment_ids and not deed.concerns(each.known):
            raise CreditNotPossible(
                f"{each.known.installer_name or 'the installer'} got it after it was corrected",
                lead_id=lead.id,
                assignment_id=each.known.assignment_id,
            )
