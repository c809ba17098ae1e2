"""An item of the exception queue with all that its page and its deeds are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console.actions import WhyNot, refused
from chassis.console.timeline import seen_of
from chassis.console.wording import words
from chassis.http import Operator
from services.routing.domain.queue import QueueAction, QueueObstacle
from services.routing.domain.waiting import is_snoozed
from services.routing.http.lead_views import CandidateView, DecisionView, DispatchView, obstacles_of
from services.routing.http.leads import show_dispatch
from services.routing.models import DispatchException
from services.routing.pages.exception_forms import WRITE, owner_options
from services.routing.queries import dispatches, exceptions, installers

MOST_OTHERS = 100
"""Offered by hand beside those whom dispatch asked."""


@dataclass(frozen=True, slots=True)
class ItemFile:
    """`seen` is what was done to it last; `installers` and `owners` are who can be chosen, each an id and a label."""

    operator: Operator
    now: datetime
    item: DispatchException
    lead: DispatchView
    decided: Sequence[DecisionView]
    obstacles: Mapping[QueueAction, QueueObstacle | None]
    seen: str
    installers: Sequence[tuple[str, str]]
    owners: Sequence[tuple[str, str]]

    @property
    def is_snoozed(self) -> bool:
        return is_snoozed(self.item.snoozed_until, self.now)

    @property
    def free_shares(self) -> int:
        return self.lead.shares_wanted - self.lead.shares_live

    def may(self, action: QueueAction) -> WhyNot:
        why_not = refused(self.operator, WRITE, self.obstacles[action])
        if action is QueueAction.ASSIGN and not why_not and not self.installers:
            return {"why_not": f"nobody does {words(self.lead.service).lower()}"}
        return why_not


async def read_file(session: AsyncSession, exception_id: UUID, operator: Operator, now: datetime) -> ItemFile:
    item = await exceptions.get(session, exception_id)
    dispatch = await dispatches.get(session, item.lead_id)
    lead = await show_dispatch(session, dispatch, now)
    decided = [DecisionView.of(each) for each in await dispatches.decisions_of(session, item.lead_id)]
    return ItemFile(
        operator=operator,
        now=now,
        item=item,
        lead=lead,
        decided=decided,
        obstacles=obstacles_of(item, dispatch, lead.shares_wanted - lead.shares_live, now),
        seen=await seen_of(session, Subject("dispatch_exception", item.id)),
        installers=await _installers(session, lead, decided),
        owners=await owner_options(session, but=item.owner_id),
    )


async def _installers(
    session: AsyncSession, lead: DispatchView, decided: Sequence[DecisionView]
) -> list[tuple[str, str]]:
    """Who may be chosen by hand: those whom the newest decision passed over, then all others that do its service."""
    candidates = decided[-1].candidates if decided else []
    known = {each.installer_id for each in candidates} | {each.installer_id for each in lead.assignments}
    others = await installers.others_that_do(session, lead.service, known, MOST_OTHERS)
    return [
        *((str(each.installer_id), _candidate(each)) for each in candidates if not each.is_chosen),
        *((str(id_), f"{name} (outside its area, or added since)") for id_, name in others),
    ]


def _candidate(candidate: CandidateView) -> str:
    return f"{candidate.installer_name} ({words(candidate.obstacle or 'eligible').lower()})"
