"""When an installer takes leads and what its part of them is, over HTTP: hours, absences, share."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.ids import new_id
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.commands import absences as commands
from services.routing.commands.absences import AddAbsence, EndAbsence
from services.routing.commands.hours import SetHours, SetShareWeight, set_hours, set_share_weight
from services.routing.domain.states import AbsenceKind
from services.routing.http.fields import Note
from services.routing.http.hours import LONGEST_HOURS, SpanShape, stored_hours
from services.routing.http.installer_answers import detail_of
from services.routing.http.installer_views import AbsenceView, InstallerDetail
from services.routing.queries import absences, installers

MOST_ABSENCES = 200
Weight = Annotated[int, Field(ge=1, le=1000, description="null is its capacity in a cycle")]


class HomeShape(Body):
    """Public holidays are those of `home_state`: without one there are none to keep."""

    home_state: AustralianState | None = None
    keeps_public_holidays: bool = False

    @model_validator(mode="after")
    def _holidays_have_a_state(self) -> "HomeShape":
        if self.keeps_public_holidays and self.home_state is None:
            raise PydanticCustomError("home_state_missing", "say by which state's calendar it keeps public holidays")
        return self


class HoursChange(HomeShape):
    """Replaces all of it. An empty list is never, null is always."""

    hours: Annotated[list[SpanShape], Field(max_length=LONGEST_HOURS)] | None = None
    reason: Note | None = None


class AbsenceShape(Body):
    """Without `starts_at` it begins now, without `ends_at` it goes on until it is ended; a holiday ends."""

    id: UUID | None = None
    kind: AbsenceKind
    starts_at: AwareInstant | None = None
    ends_at: AwareInstant | None = None
    reason: Note

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "AbsenceShape":
        refuse_no_span(self.kind, self.starts_at, self.ends_at)
        return self


class AbsenceEnd(Body):
    reason: Note


class ShareChange(Body):
    weight: Weight | None
    reason: Note | None = None


def refuse_no_span(kind: AbsenceKind, starts_at: AwareInstant | None, ends_at: AwareInstant | None) -> None:
    if kind is AbsenceKind.HOLIDAY and ends_at is None:
        raise PydanticCustomError("end_missing", "a holiday has an end; what has none is a pause")
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise PydanticCustomError("ends_before_it_starts", "an absence ends after it starts")


@put("/admin/installers/{installer_id:uuid}/hours", guards=[requires(Capability.WRITE_ROUTING)])
async def change_hours(
    installer_id: FromPath[UUID],
    data: JSONBody[HoursChange],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> InstallerDetail:
    """Outside its hours, and on the public holidays that it keeps, it gets no lead; what is on its way arrives."""
    command = SetHours(
        installer_id=installer_id,
        hours=stored_hours(data.hours),
        home_state=data.home_state,
        keeps_public_holidays=data.keeps_public_holidays,
        by=operator,
        reason=data.reason,
    )
    async with database.transaction() as session:
        installer = await set_hours(session, command, clock.now())
        return await detail_of(session, installer, clock.now())


@put("/admin/installers/{installer_id:uuid}/share", guards=[requires(Capability.WRITE_ROUTING)])
async def change_share(
    installer_id: FromPath[UUID],
    data: JSONBody[ShareChange],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> InstallerDetail:
    """Its part of the leads among those that may have them: twice the weight is twice the leads."""
    command = SetShareWeight(installer_id, data.weight, operator, data.reason)
    async with database.transaction() as session:
        installer = await set_share_weight(session, command, clock.now())
        return await detail_of(session, installer, clock.now())


@get("/admin/installers/{installer_id:uuid}/absences", guards=[requires(Capability.READ_OPS)])
async def list_absences(
    installer_id: FromPath[UUID], database: Given[Database], clock: Given[Clock]
) -> list[AbsenceView]:
    """The latest first, of those that are over as well."""
    async with database.reading() as session:
        await installers.get(session, installer_id)
        found = await absences.of_installer(session, installer_id, MOST_ABSENCES)
    return [AbsenceView.at(each, clock.now()) for each in found]


@post("/admin/installers/{installer_id:uuid}/absences", guards=[requires(Capability.WRITE_ROUTING)])
async def add_absence(
    installer_id: FromPath[UUID],
    data: JSONBody[AbsenceShape],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[AbsenceView]:
    """It gets no lead meanwhile, and none are made up for afterwards. With an `id`, sent twice it is one."""
    command = AddAbsence(
        absence_id=data.id or new_id(),
        installer_id=installer_id,
        kind=data.kind,
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        reason=data.reason,
        by=operator,
    )
    async with database.transaction() as session:
        added = await commands.add_absence(session, command, clock.now())
        return Response(AbsenceView.at(added, clock.now()))


@post(
    "/admin/installers/{installer_id:uuid}/absences/{absence_id:uuid}/end",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
)
async def end_absence(
    installer_id: FromPath[UUID],
    absence_id: FromPath[UUID],
    data: JSONBody[AbsenceEnd],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> AbsenceView:
    """From now on it gets leads again; one that is yet to come never comes."""
    command = EndAbsence(installer_id, absence_id, data.reason, operator)
    async with database.transaction() as session:
        await commands.end_absence(session, command, clock.now())
        return AbsenceView.at(await absences.get(session, installer_id, absence_id), clock.now())


ROUTES = (
    change_hours,
    change_share,
    list_absences,
    add_absence,
    end_absence,
)
