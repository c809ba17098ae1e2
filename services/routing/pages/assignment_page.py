"""What the page of an assignment is made of: what its sections, notes and actions share, and how each is given it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Console
from chassis.console.actions import Action
from chassis.console.documents import Note, Section
from chassis.http import Operator
from services.routing.domain.giving import AssignmentAction, obstacles_to
from services.routing.http.lead_views import AssignmentView
from services.routing.models import Dispatch
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES
from services.routing.queries import assignments, dispatches, returns
from services.routing.queries.installers import names_of


@dataclass(frozen=True, slots=True)
class AssignmentPage:
    """A part that needs more than this reads it by the session."""

    session: AsyncSession
    console: Console
    operator: Operator
    now: datetime
    made: AssignmentView
    lead: Dispatch
    obstacles: Mapping[AssignmentAction, str | None]
    """Of every action, what is in the way of it."""

    @property
    def path(self) -> str:
        return f"{ASSIGNMENTS}/{self.made.id}"

    @property
    def dispatch_path(self) -> str:
        return f"{DISPATCHES}/{self.made.lead_id}"


MakeAction = Callable[[AssignmentPage], Awaitable[Action]]
MakeNote = Callable[[AssignmentPage], Awaitable[Note | None]]
MakeSection = Callable[[AssignmentPage], Awaitable[Section]]


async def read_page(
    session: AsyncSession, assignment_id: UUID, console: Console, operator: Operator, now: datetime
) -> AssignmentPage:
    found = await assignments.get(session, assignment_id)
    names = await names_of(session, [found.installer_id])
    is_asked_for = await returns.is_asked_for(session, assignment_id)
    return AssignmentPage(
        session=session,
        console=console,
        operator=operator,
        now=now,
        made=AssignmentView.of(found, names[found.installer_id], is_asked_for=is_asked_for),
        lead=await dispatches.get(session, found.lead_id),
        obstacles=obstacles_to(status=found.status, cap_state=found.cap_state, is_asked_for=is_asked_for),
    )
