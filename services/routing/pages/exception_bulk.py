"""What can be done with many items of the exception queue at once."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.bulk.declaration import Fields, LookWith
from chassis.console.fields import FieldKind, FormField, instant_of
from chassis.console.wording import counted, told_instant, words
from services.routing.commands.attempts import Attempt, look_at_all
from services.routing.commands.exceptions import AssignByHand, assign_by_hand
from services.routing.domain.eligibility import WAIVED_BY_HAND
from services.routing.domain.queue import QueueAction, QueueObstacle, is_ahead
from services.routing.domain.states import Trigger
from services.routing.http.fields import Note
from services.routing.http.lead_views import obstacles_of
from services.routing.models import Assignment, Dispatch, DispatchException, LeadContact
from services.routing.pages.exception_deeds import HAND_OVER, REJECT, RESOLVE, RETRY, SNOOZE, Asked, Deed
from services.routing.pages.exception_forms import (
    REJECT_FIELDS,
    SNOOZE_FIELDS,
    WRITE,
    HandOverForm,
    SeenForm,
    SnoozeForm,
    hand_over_fields,
)
from services.routing.pages.reasons import REASON, WHY
from services.routing.pages.telling import lead_title
from services.routing.queries import assignments, dispatches
from services.routing.queries import exceptions as queries
from services.routing.queries.arrays import among
from services.routing.queries.installers import active_by_name, names_of, refuse_unknown
from services.routing.queries.operators import operator_name

WHY_DECIDED = replace(WHY, hint="Stands in each decision")
NEEDS_NOTE = "somebody has it: who gets it needs a note"
BECOMES_THEIRS = "nobody has it, so whoever puts it off does"


class GiveForm(SeenForm):
    installer_id: Annotated[UUID, Field(strict=False)]
    reason: Note | None = None


GIVE = Deed(
    QueueAction.ASSIGN,
    "Assign to an installer",
    form=GiveForm,
    command=lambda asked: AssignByHand(asked.item_id, (asked.form.installer_id,), asked.by, asked.form.reason),
    run=assign_by_hand,
)


async def _rows(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[tuple[DispatchException, Dispatch, int]]:
    query = (
        select(DispatchException, Dispatch, queries.FREE_SHARES)
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(among(DispatchException.id, ids))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


def _looking(action: QueueAction) -> Callable[[AsyncSession, Sequence[UUID], datetime], Awaitable[dict[UUID, Verdict]]]:
    async def look(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
        return {
            item.id: Verdict(lead_title(dispatch), obstacles_of(item, dispatch, free, now)[action] or "")
            for item, dispatch, free in await _rows(session, ids)
        }

    return look


async def _look_at_hand_over(
    session: AsyncSession, ids: Sequence[UUID], form: HandOverForm, _now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    owner = await operator_name(session, form.owner_id) or "who is not known here"
    return {item.id: _handed_over(item, lead_title(lead), form, owner) for item, lead, _ in await _rows(session, ids)}


def _handed_over(item: DispatchException, name: str, form: HandOverForm, owner: str) -> Verdict:
    if not item.is_open:
        return Verdict(name, "it is resolved")
    if item.owner_id == form.owner_id:
        return Verdict(name, f"{owner} has it already")
    if item.owner_id is not None and not form.note:
        return Verdict(name, NEEDS_NOTE)
    return Verdict(name, effect=f"{item.owner_name or 'Nobody'} → {owner}")


async def _look_at_snooze(
    session: AsyncSession, ids: Sequence[UUID], form: SnoozeForm, now: datetime, zone: ZoneInfo
) -> dict[UUID, Verdict]:
    until = instant_of(form.until, zone)
    asleep = f"Asleep until {told_instant(until, zone)}"
    too_far = None if is_ahead(until, now) else QueueObstacle.NOT_AHEAD
    found: dict[UUID, Verdict] = {}
    for item, lead, free in await _rows(session, ids):
        obstacle = obstacles_of(item, lead, free, now)[QueueAction.SNOOZE] or too_far
        effect = asleep if item.owner_id else f"{asleep}; {BECOMES_THEIRS}"
        found[item.id] = Verdict(lead_title(lead), obstacle or "", effect)
    return found


async def _look_at_giving(
    session: AsyncSession, ids: Sequence[UUID], form: GiveForm, now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    """In their order, as the deed does them: a place under a cap that the first of them takes is not the next one's."""
    await refuse_unknown(session, [form.installer_id])
    name = (await names_of(session, [form.installer_id]))[form.installer_id]
    rows = {item.id: (item, lead, free) for item, lead, free in await _rows(session, ids)}
    leads = [lead.lead_id for _, lead, _ in rows.values()]
    contacts = await dispatches.contacts_of(session, leads)
    found: dict[UUID, Verdict] = {}
    for id_, (item, lead, free) in rows.items():
        erased = "" if lead.lead_id in contacts else "the person was erased, or never known here"
        obstacle = obstacles_of(item, lead, free, now)[QueueAction.ASSIGN] or erased
        found[id_] = Verdict(lead_title(lead), obstacle, "" if obstacle else f"Goes to {name}")
    asked = [id_ for id_ in ids if id_ in found and not found[id_].why_not]
    had: defaultdict[UUID, list[Assignment]] = defaultdict(list)
    for each in await assignments.of_leads(session, leads):
        had[each.lead_id].append(each)
    attempts = [_attempt(rows[id_][1], contacts, had, form.installer_id) for id_ in asked]
    for id_, outcome in zip(asked, await look_at_all(session, attempts, now), strict=True):
        if outcome.refusals:
            reasons = ", ".join(words(verdict.reason_code).lower() for _, verdict in outcome.refusals)
            found[id_] = Verdict(found[id_].name, f"{name} cannot have it: {reasons}")
    return found


def _attempt(
    lead: Dispatch,
    contacts: Mapping[UUID, LeadContact],
    had: Mapping[UUID, Sequence[Assignment]],
    installer_id: UUID,
) -> Attempt:
    return Attempt(
        dispatch=lead,
        contact=contacts[lead.lead_id].person,
        trigger=Trigger.BY_HAND,
        earlier=had[lead.lead_id],
        named=(installer_id,),
        waived=WAIVED_BY_HAND,
    )


async def _give_fields(session: AsyncSession) -> Sequence[FormField]:
    options = [(str(id_), name) for id_, name in await active_by_name(session)]
    return (
        FormField("installer_id", "Installer", FieldKind.CHOICE, is_required=True, options=options),
        WHY_DECIDED,
    )


def _many(
    deed: Deed[Any, Any],
    effect: Callable[[int], str],
    *,
    label: str = "",
    fields: Fields = (),
    look_with: LookWith | None = None,
    looks_at_all: bool = False,
) -> BulkAction:
    async def do(work: Work) -> None:
        assert isinstance(work.form, deed.form)  # noqa: S101  # the action's own form
        asked = Asked(work.id, work.form, work.actor, work.given["zone"])
        async with work.transaction() as session:
            await deed.do(session, asked, work.clock.now())

    return BulkAction(
        name=deed.action.value,
        label=label or deed.label,
        capability=WRITE,
        look=_looking(deed.action),
        look_with=look_with,
        looks_at_all=looks_at_all,
        do=do,
        form=deed.form,
        fields=fields,
        effect=effect,
        destroys=deed.destroys,
    )


BULK = (
    _many(
        RETRY,
        lambda number: (
            f"Runs dispatch again for {counted(number, 'lead', 'leads')}, by the rules and caps of now. Each "
            "installer that is chosen gets its lead by its channel and is billed once it is sent."
        ),
        fields=(WHY_DECIDED,),
    ),
    _many(
        GIVE,
        lambda number: (
            f"Gives {counted(number, 'lead', 'leads')} to one installer, whatever its territory, as far as its caps "
            "go; each is billed once it is sent."
        ),
        fields=_give_fields,
        look_with=_look_at_giving,
        looks_at_all=True,
    ),
    _many(
        HAND_OVER,
        lambda number: f"Gives {counted(number, 'item', 'items')} to one operator, whoever has them now.",
        fields=hand_over_fields,
        look_with=_look_at_hand_over,
    ),
    _many(
        SNOOZE,
        lambda number: (
            f"Puts {counted(number, 'item', 'items')} off: until then nothing is tried and nobody is called. They "
            "wake by themselves. What nobody has becomes yours."
        ),
        fields=SNOOZE_FIELDS,
        look_with=_look_at_snooze,
    ),
    _many(
        REJECT,
        lambda number: f"Closes {counted(number, 'lead', 'leads')} for good: nobody gets them.",
        label="Reject",
        fields=REJECT_FIELDS,
    ),
    _many(
        RESOLVE,
        lambda number: (
            f"Takes {counted(number, 'item', 'items')} out of the queue. The leads stay as they are, "
            "and nobody is charged."
        ),
        fields=(REASON,),
    ),
)
