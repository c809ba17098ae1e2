"""Assignments: which lead went to whom, what became of it, and what can be done with many at once."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.listing import (
    NOW,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Flag,
    Listing,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import counted, words
from contracts.identity import Capability
from contracts.values import AustralianState, CapReleaseReason, SelectedPath
from services.routing.commands.assignments import CancelAssignment, ReleaseCap, cancel_assignment, release_cap
from services.routing.domain.giving import obstacle_to_cancelling, obstacle_to_releasing
from services.routing.domain.states import AssignmentStatus, CancelReason, CapState
from services.routing.http.assignments import CancelBody, ReleaseCapBody
from services.routing.models import Assignment, Dispatch, Installer
from services.routing.pages.telling import ASSIGNMENT_TONES, CAP_TONES, DISPATCHES, INSTALLERS, lead_title
from services.routing.pages.telling import ASSIGNMENTS as PATH
from services.routing.queries.installers import names_of

ROOM = "assignments"
WRITE = Capability.WRITE_ROUTING
LIMIT = timedelta(minutes=15)
"""A lead that is on its way longer than this is stuck: its delivery was neither accepted nor refused."""

RECENT = timedelta(days=7)
"""What the figures at home are of."""


class CancelForm(CancelBody, Form):
    """As the JSON route takes it."""


class ReleaseCapForm(ReleaseCapBody, Form):
    """As the JSON route takes it."""


def _fields(reasons: type[StrEnum]) -> tuple[FormField, ...]:
    return (
        FormField("reason_code", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(reasons)),
        FormField("reason", "In your own words", FieldKind.PROSE, hint="Stands in the timeline", longest=1000),
    )


CANCEL_FIELDS, RELEASE_FIELDS = _fields(CancelReason), _fields(CapReleaseReason)


async def _look(
    session: AsyncSession, ids: Sequence[UUID], obstacle_on: Callable[[Assignment], str | None]
) -> dict[UUID, Verdict]:
    query = (
        select(Assignment, Dispatch, Installer.name)
        .join(Dispatch, Dispatch.lead_id == Assignment.lead_id)
        .join(Installer, Installer.id == Assignment.installer_id)
        .where(Assignment.id.in_(ids))
    )
    return {
        made.id: Verdict(f"{lead_title(lead)}, to {installer}", obstacle_on(made) or "")
        for made, lead, installer in (await session.execute(query)).all()
    }


async def _look_cancel(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    return await _look(session, ids, lambda made: obstacle_to_cancelling(made.status))


async def _look_release(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    return await _look(session, ids, lambda made: obstacle_to_releasing(made.cap_state))


async def _cancel(work: Work) -> None:
    assert isinstance(work.form, CancelForm)  # noqa: S101  # the action's own form
    command = CancelAssignment(work.id, work.form.reason_code, work.form.reason, work.actor)
    async with work.transaction() as session:
        await cancel_assignment(session, command, work.clock.now())


async def _release(work: Work) -> None:
    assert isinstance(work.form, ReleaseCapForm)  # noqa: S101  # the action's own form
    command = ReleaseCap(work.id, work.form.reason_code, work.form.reason, work.actor)
    async with work.transaction() as session:
        await release_cap(session, command, work.clock.now())


async def _name_of(session: AsyncSession, installer_id: UUID) -> str | None:
    return (await names_of(session, [installer_id])).get(installer_id)


def _says_lead(row: Row[Any]) -> str:
    return f"{words(row.service)}, {row.lead}"


STATE_SINCE = func.coalesce(Assignment.ended_at, Assignment.sent_at, Assignment.created_at)
IS_STUCK = and_(Assignment.status == AssignmentStatus.PENDING, Assignment.created_at < NOW - LIMIT)

LISTING = Listing(
    name=ROOM,
    title="Assignments",
    noun=("assignment", "assignments"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(Assignment)
    .join(Dispatch, Dispatch.lead_id == Assignment.lead_id)
    .join(Installer, Installer.id == Assignment.installer_id),
    key=Assignment.id,
    one_per=Assignment,
    order="-given",
    columns=(
        Column("lead", "Lead", func.concat_ws(" ", Dispatch.suburb, Dispatch.state, Dispatch.postcode), say=_says_lead),
        Column("to", "Installer", Installer.name, path=lambda row: f"{INSTALLERS}/{row.installer_id}"),
        Column("path", "Path", Assignment.selected_path, Kind.WORD),
        Column("status", "Status", Assignment.status, Kind.CHIP, tone=ASSIGNMENT_TONES),
        Column(
            "since",
            "Since",
            STATE_SINCE,
            Kind.AGO,
            is_late=late_after(LIMIT, "given", unless=lambda row: row.status is not AssignmentStatus.PENDING),
        ),
        Column("cap", "Cap", Assignment.cap_state, Kind.CHIP, tone=CAP_TONES),
        Column("given", "Given", Assignment.created_at, Kind.AGO, sorts=True),
        Column("sent", "Sent", Assignment.sent_at, Kind.AGO),
        Column("ended_reason", "Ended for", Assignment.ended_reason, Kind.WORD),
        Column("share", "Share", Assignment.share_no, Kind.NUMBER, is_extra=True),
        Column("released_for", "Place released for", Assignment.cap_release_reason, Kind.WORD, is_extra=True),
        Column(
            "lead_id",
            "Lead id",
            Assignment.lead_id,
            Kind.ID,
            path=lambda row: f"{DISPATCHES}/{row.lead_id}",
            is_extra=True,
        ),
        Column("installer_id", "Installer id", Assignment.installer_id, Kind.ID, is_extra=True),
    ),
    also={"service": Dispatch.service},
    filters=(
        Search(
            "q",
            "Installer, suburb, postcode or id",
            texts=(Installer.name, Dispatch.suburb, Dispatch.postcode),
            ids=(Assignment.id, Assignment.lead_id, Assignment.decision_id),
        ),
        Choice("status", "Status", options=among(Assignment.status, AssignmentStatus)),
        Choice("cap", "Cap", options=among(Assignment.cap_state, CapState)),
        Choice("path", "Path", options=among(Assignment.selected_path, SelectedPath)),
        Choice("released_for", "Released for", options=among(Assignment.cap_release_reason, CapReleaseReason)),
        Choice("in", "Region", options=among(Dispatch.state, AustralianState, {s: str(s) for s in AustralianState})),
        Days("given", "Given", column=Assignment.created_at),
        Flag("stuck", "Stuck", condition=IS_STUCK),
        Flag("recent", "Last 7 days", condition=Assignment.created_at >= NOW - RECENT),
        Exact("installer_id", "Installer", column=Assignment.installer_id, name_of=_name_of),
        Exact("lead_id", "Lead", column=Assignment.lead_id),
    ),
    tabs=(
        Tab("On their way", "status=pending"),
        Tab("Sent", "status=sent"),
        Tab("Ended", "status=failed&status=cancelled&status=returned"),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="cancel",
            label="Cancel",
            capability=WRITE,
            look=_look_cancel,
            do=_cancel,
            form=CancelForm,
            fields=CANCEL_FIELDS,
            effect=lambda number: (
                f"Takes {counted(number, 'assignment', 'assignments')} back before delivery: nobody is billed, and "
                "the places under the caps are free again. A lead that is left without any comes into the exception "
                "queue."
            ),
            destroys=True,
        ),
        BulkAction(
            name="release",
            label="Release places",
            capability=WRITE,
            look=_look_release,
            do=_release,
            form=ReleaseCapForm,
            fields=RELEASE_FIELDS,
            effect=lambda number: (
                f"{counted(number, 'delivery stops', 'deliveries stop')} counting against the caps, once and for "
                "all. What was billed stays billed."
            ),
        ),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No assignments here",
        "Each lead that dispatch gives to an installer is here from that moment on.",
        "route",
    ),
)

ROUTES = routes_of(LISTING)
