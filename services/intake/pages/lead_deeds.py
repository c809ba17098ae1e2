"""What an operator does with one lead."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, form_at
from chassis.console.actions import Action, refused
from chassis.database import Database
from chassis.http import Given, Operator
from services.intake.domain import LeadAction
from services.intake.http.leads import close_lead_by_hand
from services.intake.models import Lead
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.leads import PATH, REASONS, WRITE, CloseForm

VERBS = {"close_lead": "closed the lead"}


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    why = refused(file.operator, WRITE, file.lead.obstacle_to(LeadAction.CLOSE))
    return [_close(file.lead, why)]


def _close(lead: Lead, why: Any) -> Action:
    sent = " Who has it keeps it, and is billed all the same." if lead.delivered_at is not None else ""
    return Action(
        LeadAction.CLOSE,
        "Close lead",
        f"{PATH}/{lead.id}/close",
        effect="No installer gets it any more, and what is not yet sent is taken back."
        f"{sent} A closed lead stays closed.",
        fields=REASONS,
        done="Closed: no installer gets it any more",
        **why,
    )


@form_at(PATH + "/{lead_id:uuid}/close", WRITE)
async def close_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[CloseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await close_lead_by_hand.fn(lead_id, data, database, clock, operator)
    return console.redirect(f"{PATH}/{lead_id}?done={LeadAction.CLOSE}")


ROUTES = (close_by_form,)
