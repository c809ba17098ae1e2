"""The leads: what came in, where each stands, and how long it has stood there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Comparison, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.listing import (
    NOW,
    Choice,
    Column,
    Days,
    Empty,
    Flag,
    Listing,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import counted, sentence, span, words
from contracts.identity import Capability
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.domain import (
    AGE_LIMIT,
    STAGE_LIMITS,
    CloseReason,
    LeadAction,
    LeadStatus,
    obstacle_to_lead,
)
from services.intake.http.leads import LeadClosing
from services.intake.models import Lead, LeadSource
from services.intake.pages import lead_attention, leads_found, owners
from services.intake.pages.duplicates import PATH as PAIRS
from services.intake.queries.leads import NAME, is_beyond_age, is_beyond_stage, is_late_at

ROOM = "leads"
PATH = "/console/leads"
WRITE = Capability.WRITE_ROUTING
NEEDS_YOU = "status=duplicate_review&status=exception&sort=received"
IN_DISPATCH = "status=received&status=routable&status=dispatching&sort=received"
STUCK = "status=received&status=routable&status=dispatching&late=true"
"""What dispatch holds for longer than it may."""

TONES: Mapping[str, str] = {
    LeadStatus.DELIVERED: "positive",
    LeadStatus.EXCEPTION: "warning",
    LeadStatus.DUPLICATE_REVIEW: "warning",
    LeadStatus.RECEIVED: "info",
    LeadStatus.ROUTABLE: "info",
    LeadStatus.DISPATCHING: "info",
}

LATE = is_late_at(NOW)
BROKEN = func.concat_ws(
    ", ",
    *(
        case((is_beyond_stage(status, NOW), f"{span(limit)} as {words(status).lower()}"))
        for status, limit in STAGE_LIMITS.items()
    ),
    case((is_beyond_age(NOW), f"{span(AGE_LIMIT)} since its receipt")),
)
"""Each limit that is over, for who has the table alone."""

OUTCOME = func.coalesce(
    Lead.exception_reason,
    cast(Lead.close_reason, Text),
    case((Lead.delivered_at.is_not(None), "delivered")),
    case((Lead.status == LeadStatus.REJECTED, "rejected")),
)
"""What is known here of what became of it: routing's reason, ours for the close, or that it was delivered."""


def _says_place(row: Any) -> str:
    return f"{row.suburb} {row.state} {row.postcode}"


def _says_outcome(row: Row[Any]) -> str | None:
    if row.merged_into is not None:
        return "Merged into another lead"
    return told_outcome(row.outcome, row.status, row.delivered_at)


def _path_of_survivor(row: Row[Any]) -> str:
    return f"{PATH}/{row.merged_into}" if row.merged_into else ""


def told_outcome(outcome: str | None, status: LeadStatus, delivered_at: datetime | None) -> str | None:
    """`outcome` is as OUTCOME has it; None while nothing is known."""
    if outcome is None:
        return None
    if status is LeadStatus.CLOSED and delivered_at is not None:
        return f"{sentence(outcome)}, after delivery"
    return "Sent to an installer" if outcome == "delivered" else words(outcome)


def _tone_of(row: Row[Any]) -> str:
    return "danger" if row.is_critical else TONES.get(row.status, "")


IN_STAGE = late_after(lambda row: STAGE_LIMITS.get(row.status), "since")
UNDELIVERED = late_after(AGE_LIMIT, "received", unless=lambda row: row.status not in STAGE_LIMITS)


class CloseForm(LeadClosing, Form):
    """As the JSON route takes it."""


CLOSE_REASONS = [option for option in options_of(CloseReason) if option[0] != CloseReason.ERASED]
REASONS = (
    FormField("reason_code", "Reason", FieldKind.CHOICE, options=CLOSE_REASONS, is_required=True),
    FormField("reason", "In your words", FieldKind.PROSE, hint="Stands in the timeline"),
)


async def _look_close(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    """A job is kept: its rows are told by what was asked for and where, not by whose they are."""
    query = select(Lead.id, Lead.service, Lead.suburb, Lead.state, Lead.postcode, Lead.status).where(Lead.id.in_(ids))
    return {
        row.id: Verdict(
            f"{words(row.service)}, {_says_place(row)}", obstacle_to_lead(LeadAction.CLOSE, row.status) or ""
        )
        for row in await session.execute(query)
    }


async def _close(work: Work) -> None:
    form = work.form
    assert isinstance(form, CloseForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        command = CloseLead(work.id, form.reason_code, form.reason, work.actor, work.clock.now())
        await close_lead(session, command)


LISTING = Listing(
    name=ROOM,
    title="Leads",
    noun=("lead", "leads"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Lead).join(LeadSource, LeadSource.id == Lead.source_id),
    key=Lead.id,
    one_per=Lead,
    order="-received",
    columns=(
        Column("name", "Name", NAME, say=leads_found.told_name),
        Column("place", "Suburb", func.concat_ws(" ", Lead.suburb, Lead.state, Lead.postcode), say=_says_place),
        Column("status", "Status", Lead.status, Kind.CHIP, say=lead_attention.told_status, tone=_tone_of),
        Column("since", "Since", Lead.status_since, Kind.AGO, sorts=True, is_late=IN_STAGE),
        Column("received", "Received", Lead.received_at, Kind.AGO, sorts=True, is_late=UNDELIVERED),
        *owners.COLUMNS,
        *lead_attention.COLUMNS,
        Column("outcome", "Outcome", OUTCOME, say=_says_outcome, path=_path_of_survivor),
        *leads_found.COLUMNS,
        Column("late", "Late", LATE, Kind.YES_NO, is_extra=True),
        Column("beyond", "Beyond", BROKEN, is_extra=True),
        Column("path", "Path", Lead.selected_path, Kind.WORD, is_extra=True),
        leads_found.SOURCE,
        Column("delivered_at", "Delivered", Lead.delivered_at, Kind.AGO, is_extra=True),
        Column("service", "Service", Lead.service, Kind.WORD, is_extra=True),
        Column("email", "E-mail", Lead.email, is_extra=True),
        Column("phone", "Phone", Lead.phone, is_extra=True),
        Column("street", "Street", Lead.street, is_extra=True),
        Column("submission_key", "Submission key", Lead.submission_key, is_extra=True),
        Column("lead_id", "Lead id", Lead.id, Kind.ID, is_extra=True),
    ),
    also={
        "suburb": Lead.suburb,
        "state": Lead.state,
        "postcode": Lead.postcode,
        "merged_into": Lead.merged_into,
        **leads_found.ALSO,
        **owners.ALSO,
        **lead_attention.ALSO,
    },
    filters=(
        leads_found.LeadWords("q", "Name, contact, place or id", ids=(Lead.id,)),
        Choice("status", "Status", options=among(Lead.status, LeadStatus)),
        *leads_found.ORIGIN,
        *owners.FILTERS,
        *lead_attention.FILTERS,
        Days("received", "Received", column=Lead.received_at),
        Flag("late", "Late", condition=LATE),
        *leads_found.WORTH,
        *leads_found.FILTERS,
    ),
    tabs=(
        Tab("Needs you", NEEDS_YOU),
        *lead_attention.TABS,
        *owners.TABS,
        Tab("In dispatch", IN_DISPATCH),
        Tab("Delivered", "status=delivered"),
        Tab("Closed", "status=rejected&status=closed"),
        Tab("All"),
    ),
    bulk=(
        *owners.BULK,
        BulkAction(
            name=LeadAction.CLOSE,
            label="Close",
            capability=WRITE,
            look=_look_close,
            do=_close,
            form=CloseForm,
            fields=REASONS,
            effect=lambda number: (
                f"Closes {counted(number, 'lead', 'leads')}: no installer gets them any more, and what is not yet sent "
                "is taken back. Who has one keeps it, and is billed all the same. A closed lead stays closed."
            ),
        ),
    ),
    comparison=Comparison(lambda one, other: f"{PAIRS}/{one}/{other}"),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No leads here", "A lead comes here by itself as soon as one of the lead sources hands it in."),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
