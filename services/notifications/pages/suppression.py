"""One suppressed address: who or what put it on the list, until when, and its way off it."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import Wording
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.notifications.domain.replies import SuppressionSource
from services.notifications.domain.suppressions import SuppressionAction, SuppressionObstacle, obstacle_to_lifting
from services.notifications.http.suppressions import LiftSuppression, lift_suppressed
from services.notifications.models import Suppression
from services.notifications.pages.suppressions import PATH, QUEUE, REASON, ROOM, WRITE, LiftForm
from services.notifications.pages.words import SOURCES, SUPPRESSION_TONES, reason_told
from services.notifications.queries.suppressions import one_suppression

VERBS = {"suppress_address": "suppressed it", "lift_suppression": "lifted it"}


@page_at(PATH + "/{suppression_id:uuid}", Capability.READ_OPS)
async def show_suppression(
    suppression_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        row, address = await one_suppression(session, suppression_id)
        audit = await moments_of(session, [Subject("suppression", suppression_id)], VERBS, console.wording)
    obstacle = obstacle_to_lifting(row.lifted_at, row.expires_at, clock.now())
    state, word = _state(obstacle)
    document = Document(
        title=address or f"Not kept: {row.address_hash[:8]}",
        room=ROOM,
        up=("Suppressions", QUEUE),
        states=(chip(word, SUPPRESSION_TONES.get(state, "")),),
        sentence=_sentence(row, obstacle, console.wording),
        facts=_facts(row, address),
        actions=(_lift(row, operator, obstacle),),
        timeline=in_order(audit, _moments(row)),
        links=(("Its messages", f"/console/messages?q={quote(address)}"),) if address else (),
    )
    return show_document(console, request, document, done)


def _state(obstacle: SuppressionObstacle | None) -> tuple[str, str]:
    match obstacle:
        case SuppressionObstacle.LIFTED:
            return "lifted", "Lifted"
        case SuppressionObstacle.EXPIRED:
            return "expired", "Expired"
        case None:
            return "in_force", "In force"


def _sentence(row: Suppression, obstacle: SuppressionObstacle | None, wording: Wording) -> str:
    why = f"{SOURCES[row.source]}: {reason_told(row.reason_code)}."
    if obstacle is SuppressionObstacle.LIFTED:
        return f"{why} Lifted {wording.exact(row.lifted_at)}; the address gets mail."
    if obstacle is SuppressionObstacle.EXPIRED:
        return f"{why} It expired {wording.exact(row.expires_at)}; the address gets mail."
    until = f"Nothing is mailed to it until {wording.exact(row.expires_at)}"
    # An operator's word holds even when a mail that overrode it arrives.
    earlier = "; a mail that arrives before lifts it" if row.source is SuppressionSource.SMTP else ""
    return f"{why} {until}{earlier}."


def _facts(row: Suppression, address: str | None) -> list[Fact]:
    facts = [
        Fact("Address", address or "Not kept"),
        Fact("Source", SOURCES[row.source]),
        Fact("Detail", Shown(row.detail)),
        Fact("Added", Shown(row.created_at, Kind.INSTANT)),
        Fact("Expires", Shown(row.expires_at, Kind.INSTANT)),
        Fact("SHA-256 of the address", Shown(row.address_hash, Kind.ID)),
    ]
    if row.message_id is not None:
        path = f"/console/messages/{row.message_id}"
        facts.append(Fact("The mail that was refused", Shown("Look at it", path=path)))
    if row.lifted_at is not None:
        facts.append(Fact("Lifted", Shown(row.lifted_at, Kind.INSTANT)))
        facts.append(Fact("Lifted by", row.lifted_by or "Waybill"))
        facts.append(Fact("Why lifted", Shown(row.lifted_reason)))
    return facts


def _lift(row: Suppression, operator: Operator, obstacle: SuppressionObstacle | None) -> Action:
    return Action(
        SuppressionAction.LIFT,
        "Lift",
        f"{PATH}/{row.id}/lift",
        effect="Lets the address have mail again. What was stopped meanwhile is not sent by itself: send it again from "
        "its messages.",
        fields=(REASON,),
        done="Lifted",
        is_primary=True,
        **refused(operator, WRITE, obstacle),
    )


def _moments(row: Suppression) -> list[Moment]:
    """What happened without an operator, which the audit does not have."""
    moments = []
    if row.source is SuppressionSource.SMTP:
        moments.append(Moment(row.created_at, "Waybill", "suppressed it", reason=reason_told(row.reason_code)))
    if row.lifted_at is not None and row.lifted_reason in {"delivered", "expired"}:
        moments.append(Moment(row.lifted_at, "Waybill", "lifted it", reason=reason_told(row.lifted_reason)))
    return moments


@form_at(PATH + "/{suppression_id:uuid}/lift", WRITE)
async def lift_by_form(
    suppression_id: FromPath[UUID],
    data: JSONBody[LiftForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await lift_suppressed.fn(suppression_id, LiftSuppression(reason=data.reason), database, clock, operator)
    return console.redirect(f"{PATH}/{suppression_id}?done={SuppressionAction.LIFT}")


ROUTES = (show_suppression, lift_by_form)
