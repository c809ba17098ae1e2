"""The pairs of leads that may be one: what is held for it, what waits for a look, and what was decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    FoldedText,
    Listing,
    Option,
    Search,
    Tab,
    late_after,
    routes_of,
)
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.intake.commands.reviewing import DismissPair, dismiss_pair
from services.intake.domain import STAGE_LIMITS, LeadStatus, part_of_phone
from services.intake.domain.duplicates import DismissReason, PairState
from services.intake.http.duplicates import Dismissal
from services.intake.models import DuplicateSettings, Lead, LeadDelivery, LeadPair, LeadSource
from services.intake.pages.leads_found import TONES as FINANCE_TONES
from services.intake.queries.leads import NOBODY

ROOM = "duplicates"
PATH = "/console/duplicates"
WRITE = Capability.WRITE_ROUTING
HELD, TO_REVIEW = "state=held&sort=found", "state=to_review"
DECIDED = "state=merged&state=dismissed"

Newer, Older = aliased(Lead, name="newer"), aliased(Lead, name="older")


def _set(column: Any) -> Any:
    return select(column).where(DuplicateSettings.id == 1).scalar_subquery()


IS_SHOWN = and_(
    _set(DuplicateSettings.is_on),
    LeadPair.score >= _set(DuplicateSettings.review_from),
    LeadPair.days_apart < _set(DuplicateSettings.look_back_days),
    or_(LeadPair.is_same_service, _set(DuplicateSettings.scope) == "any"),
)
"""By the settings as they are now."""
IS_GONE = or_(
    Newer.erased_at.is_not(None),
    Older.erased_at.is_not(None),
    Newer.status == LeadStatus.REJECTED,
    Older.status == LeadStatus.REJECTED,
)
"""What was merged is still whom it was: another that is like it is looked at beside the one that goes on."""
STATE: Any = case(
    (LeadPair.state == PairState.MERGED, "merged"),
    (LeadPair.state == PairState.DISMISSED, "dismissed"),
    (and_(LeadPair.holds, Newer.status == LeadStatus.DUPLICATE_REVIEW), "held"),
    (IS_GONE, "settled"),
    (IS_SHOWN, "to_review"),
    else_="unlike",
)
SAID = {
    "held": "Held",
    "to_review": "To review",
    "merged": "Merged",
    "dismissed": "Not duplicates",
    "settled": "Settled otherwise",
    "unlike": "Too little alike",
}
TONES = {"held": "warning", "to_review": "info", "merged": "positive"}
DELIVERED = case(
    (and_(Newer.delivered_at.is_not(None), Older.delivered_at.is_not(None)), "both"),
    (Newer.delivered_at.is_not(None), "the newer"),
    (Older.delivered_at.is_not(None), "the older"),
)
NEWER_NAME = case((Newer.erased_at.is_not(None), literal(NOBODY)), else_=Newer.name)
OLDER_NAME = case((Older.erased_at.is_not(None), literal(NOBODY)), else_=Older.name)
_RANK = case({"billable": 0, "held": 1, "credited": 2, "void": 3}, value=LeadDelivery.state)
FINANCE = (
    select(LeadDelivery.state)
    .where(LeadDelivery.lead_id.in_([LeadPair.lead_id, LeadPair.other_id]))
    .order_by(_RANK)
    .limit(1)
    .correlate(LeadPair)
    .scalar_subquery()
)


_IS_LATE = late_after(STAGE_LIMITS[LeadStatus.DUPLICATE_REVIEW], "found", unless=lambda row: row.state != "held")


class DismissForm(Dismissal, Form):
    """As the JSON route takes it."""


REASONS = (
    FormField("reason_code", "Why", FieldKind.CHOICE, options=options_of(DismissReason), is_required=True),
    FormField("reason", "In your words", FieldKind.PROSE, hint="Stands in the timeline"),
)


async def _rows(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Any]:
    query = (
        select(LeadPair.id, LeadPair.lead_id, LeadPair.other_id, LeadPair.score, LeadPair.state, Newer.service)
        .join(Newer, Newer.id == LeadPair.lead_id)
        .where(LeadPair.id.in_(ids))
    )
    return {row.id: row for row in await session.execute(query)}


async def _look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    """A job is kept: its rows are told by what was asked for, not by whose they are."""
    return {
        id_: Verdict(
            f"{words(row.service)}, score {row.score}",
            "" if row.state is PairState.OPEN else f"it was decided: {SAID[row.state].lower()}",
        )
        for id_, row in (await _rows(session, ids)).items()
    }


async def _dismiss(work: Work) -> None:
    form = work.form
    assert isinstance(form, DismissForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        row = (await _rows(session, [work.id]))[work.id]
        command = DismissPair(row.lead_id, row.other_id, form.reason_code, form.reason, work.actor, work.clock.now())
        await dismiss_pair(session, command)


LISTING = Listing(
    name=ROOM,
    title="Duplicates",
    noun=("pair", "pairs"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(LeadPair)
    .join(Newer, Newer.id == LeadPair.lead_id)
    .join(Older, Older.id == LeadPair.other_id)
    .join(LeadSource, LeadSource.id == Newer.source_id),
    key=LeadPair.id,
    order="-found",
    columns=(
        Column("newer", "Newer lead", NEWER_NAME),
        Column("older", "Older lead", OLDER_NAME, path=lambda row: f"/console/leads/{row.other_id}"),
        Column("score", "Score", LeadPair.score, Kind.NUMBER),
        Column("why", "Why", func.array_to_string(LeadPair.reasons, ","), say=lambda row: told_reasons(row.why)),
        Column("state", "State", STATE, Kind.CHIP, say=lambda row: SAID[row.state], tone=TONES),
        Column("found", "Found", LeadPair.found_at, Kind.AGO, sorts=True, is_late=_IS_LATE),
        Column("delivered", "Delivered", DELIVERED, Kind.WORD),
        Column("finance", "Finance", FINANCE, Kind.CHIP, tone=FINANCE_TONES),
        Column("service", "Service", Newer.service, Kind.WORD, is_extra=True),
        Column("source", "Source", LeadSource.name, path=lambda row: f"/console/lead-sources/{row.source_id}"),
        Column("days_apart", "Days apart", LeadPair.days_apart, Kind.NUMBER, is_extra=True),
        Column("decided", "Decided", LeadPair.decided_at, Kind.AGO, is_extra=True),
        Column("decided_by", "Decided by", LeadPair.decided_by, is_extra=True),
        Column("newer_id", "Newer lead's id", LeadPair.lead_id, Kind.ID, is_extra=True),
        Column("older_id", "Older lead's id", LeadPair.other_id, Kind.ID, is_extra=True),
    ),
    also={"lead_id": LeadPair.lead_id, "other_id": LeadPair.other_id, "source_id": Newer.source_id},
    filters=(
        Search(
            "q",
            "Name, e-mail, phone or id",
            texts=(Newer.name, Older.name, Newer.email, Older.email, Newer.phone, Older.phone),
            ids=(LeadPair.lead_id, LeadPair.other_id),
            normal=part_of_phone,
        ),
        Choice("state", "State", options=[Option(state, told, state == STATE) for state, told in SAID.items()]),
        Choice(
            "score",
            "Score",
            options=(
                Option("high", "80 and more", LeadPair.score >= 80),
                Option("middle", "45 to 79", LeadPair.score.between(45, 79)),
                Option("low", "Less than 45", LeadPair.score < 45),
            ),
        ),
        Search("source", "Source", texts=(LeadSource.name,)),
        FoldedText("service", "Service", column=Newer.service, longest=60, hint="solar-battery"),
        Days("found", "Found", column=LeadPair.found_at),
    ),
    tabs=(
        Tab("Held", HELD),
        Tab("To review", TO_REVIEW),
        Tab("Decided", DECIDED),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="dismiss",
            label="Not duplicates",
            capability=WRITE,
            look=_look,
            do=_dismiss,
            form=DismissForm,
            fields=REASONS,
            effect=lambda number: (
                f"Says of {counted(number, 'pair', 'pairs')} that the two are not one. A lead that nothing holds any "
                "more goes to dispatch at once."
            ),
        ),
    ),
    document=lambda row: f"{PATH}/{row.lead_id}/{row.other_id}",
    links=(("Settings", f"{PATH}/settings", Capability.READ_OPS),),
    empty=Empty(
        "No pairs here",
        "A lead that is like an earlier one comes here by itself as it is taken in; the settings say from when on.",
    ),
    holds_personal_data=True,
)


async def count_to_review(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many pairs wait for a look while their leads go on, and since when the first does."""
    pairs = select(func.count(), func.min(LeadPair.found_at)).select_from(LeadPair)
    pairs = pairs.join(Newer, Newer.id == LeadPair.lead_id).join(Older, Older.id == LeadPair.other_id)
    # Said in words, so that what was decided is not read.
    row = (await session.execute(pairs.where(LeadPair.state == PairState.OPEN, STATE == "to_review"))).one()
    return row[0], row[1]


def told_reasons(joined: str) -> str:
    """What is the same, and what speaks against it; nothing is left where a lead was corrected since."""
    if not joined:
        return "Alike no more"
    return ", ".join(
        words(reason).lower() if place else words(reason) for place, reason in enumerate(joined.split(","))
    )


ROUTES = routes_of(LISTING)
