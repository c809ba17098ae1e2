"""One credit that somebody asks for: what it would do, finance's say, and what became of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.business_days import MEANT_FACT, say_left
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Note, Prose, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.domain.adjustments import days_to_decide
from services.billing.domain.credit_requests import (
    CreditResult,
    Proposal,
    ProposalAction,
    Road,
    Why,
    obstacle_to,
    road_of,
)
from services.billing.http.credit_proposals import MONEY, DeclineBody, agree, decline
from services.billing.models import CreditRequest, HeldDelivery, Invoice
from services.billing.pages.adjustments import PATH as ADJUSTMENTS
from services.billing.pages.credit_proposals import NOT_DELIVERED, PATH, QUEUE, ROOM, TONES, say_state
from services.billing.pages.deliveries import PATH as DELIVERIES
from services.billing.pages.deliveries import lead_title
from services.billing.pages.doors import account_path, invoice_path
from services.billing.queries import credit_requests
from services.billing.queries.credit_requests import Standing
from services.billing.settings import Settings

VERBS = {"agree_to_credit": "agreed to it", "decline_credit": "declined it"}
DEEDS = {"return": ("routing", "returns", "Return"), "merge": ("intake", "leads", "Lead")}


class AgreeForm(Form):
    """Nothing but the session's mark: the address names the request."""


class DeclineForm(DeclineBody, Form):
    """As the JSON route takes it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the page tells of a request. `road` is what agreeing would do, whether or not anybody still may."""

    request: CreditRequest
    installer: str
    standing: Standing | None
    held: HeldDelivery | None
    invoice: Invoice | None
    proposal: Proposal
    road: Road
    limit_cents: int

    @property
    def title(self) -> str:
        known = self.standing.delivery if self.standing else self.held
        return lead_title(known.service, known.locality) if known else NOT_DELIVERED

    @property
    def cents(self) -> int:
        return self.standing.charge.inc_gst_cents if self.standing else 0


async def _look(session: AsyncSession, request_id: UUID, limit_cents: int) -> _Seen:
    request, name = await credit_requests.with_installer(session, request_id)
    id_ = request.assignment_id
    standing = (await credit_requests.standings(session, [id_])).get(id_)
    held = await session.scalar(
        select(HeldDelivery).where(HeldDelivery.assignment_id == id_, HeldDelivery.released_at.is_(None))
    )
    invoice_id = standing.invoice_id if standing else request.invoice_id
    proposal = await credit_requests.proposal_of(session, request)
    road = road_of(
        standing.charge if standing else None,
        is_held=held is not None,
        is_undecided=False,
        is_under_way=proposal.is_under_way,
        limit_cents=limit_cents,
    )
    return _Seen(
        request=request,
        installer=name or "The installer",
        standing=standing,
        held=held,
        invoice=await session.get(Invoice, invoice_id) if invoice_id else None,
        proposal=proposal,
        road=road,
        limit_cents=limit_cents,
    )


@page_at(PATH + "/{request_id:uuid}", Capability.READ_OPS)
async def show_credit_proposal(
    request_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        seen = await _look(session, request_id, settings.approval_limit_cents)
        told = await moments_of(session, [Subject("credit_request", request_id)], VERBS, console.wording)
    asked = seen.request
    document = Document(
        title=seen.title,
        room=ROOM,
        up=("Credit proposals", QUEUE),
        states=(chip(say_state(asked.result), TONES.get(asked.result or "", "")),),
        sentence=_sentence(seen, console),
        amount=money(seen.cents) if seen.cents else "",
        amount_note="AUD inc. GST",
        notes=[Note(asked.detail)] if asked.detail else (),
        facts=_facts(seen, console),
        actions=_actions(seen, operator) if asked.is_proposal else (),
        sections=[Prose("What was said", [asked.note])] if asked.note else (),
        timeline=in_order(told, _moments(asked)),
        links=_links(asked, console),
    )
    return show_document(console, request, document, done)


def _sentence(seen: _Seen, console: Console) -> str:
    asked = seen.request
    verb = "proposes" if asked.is_proposal else "asks"
    what = f"{asked.asked_by_name} {verb} that {seen.installer} is credited for it, {words(asked.reason_code).lower()}"
    if asked.result is CreditResult.PROPOSED:
        left = say_left(days_to_decide(asked.asked_at, console.clock.now(), console.wording.zone)) or ""
        return f"{what}. Finance decides: {left[:1].lower()}{left[1:]}."
    if asked.answered_at is None:
        return f"{what}. Billing does not know of its delivery yet."
    return f"{what}. {say_state(asked.result)} since {console.wording.exact(asked.answered_at)}."


def _facts(seen: _Seen, console: Console) -> list[Fact]:
    asked, standing, invoice = seen.request, seen.standing, seen.invoice
    delivery = standing.delivery if standing else None
    number = Shown(invoice.number or "Draft", path=invoice_path(invoice.kind, invoice.id)) if invoice else Shown(None)
    adjustment = Shown("Credit", path=f"{ADJUSTMENTS}/{asked.adjustment_id}") if asked.adjustment_id else Shown(None)
    return [
        Fact("Installer", Shown(seen.installer, path=account_path(asked.installer_id))),
        Fact("Reason", Shown(asked.reason_code, Kind.WORD)),
        Fact("Because of", Shown(asked.deed, Kind.WORD)),
        Fact("Delivery", Shown(seen.title, path=f"{DELIVERIES}/{delivery.id}" if delivery else "")),
        Fact("Delivered", Shown(delivery.delivered_at if delivery else None, Kind.INSTANT)),
        Fact("Unit price", Shown(delivery.unit_price_cents if delivery else None, Kind.MONEY)),
        Fact("Invoice", number),
        Fact("Credit", adjustment),
        Fact("Lead", _elsewhere(console, "intake", "leads", asked.lead_id)),
        Fact("Assignment", _elsewhere(console, "routing", "assignments", asked.assignment_id)),
        Fact("Proposed by" if asked.is_proposal else "Asked by", asked.asked_by_name),
        *([MEANT_FACT] if asked.result is CreditResult.PROPOSED else []),
        Fact("Decided by", Shown(asked.decided_by_name)),
        Fact("Request id", Shown(str(asked.request_id), Kind.ID)),
    ]


def _elsewhere(console: Console, service: str, room: str, id_: UUID) -> Shown:
    return Shown(str(id_)[-8:], Kind.ID, path=console.addresses.url(service, f"/console/{room}/{id_}"))


def _links(asked: CreditRequest, console: Console) -> list[tuple[str, str]]:
    if asked.deed not in DEEDS:
        return []
    service, room, title = DEEDS[asked.deed]
    id_ = asked.lead_id if asked.deed == "merge" else asked.deed_id
    return [(title, console.addresses.url(service, f"/console/{room}/{id_}"))]


def _moments(asked: CreditRequest) -> list[Moment]:
    moments = [Moment(asked.asked_at, asked.asked_by_name, "proposed it" if asked.is_proposal else "asked for it")]
    told_elsewhere = {CreditResult.PROPOSED, CreditResult.DECLINED}
    if asked.answered_at is not None and asked.result not in told_elsewhere:
        moments.insert(0, Moment(asked.answered_at, "Waybill", f"answered: {say_state(asked.result).lower()}"))
    return moments


def _actions(seen: _Seen, operator: Operator) -> list[Action]:
    path = f"{PATH}/{seen.request.request_id}"
    return [
        Action(
            "agree",
            "Agree to the credit",
            f"{path}/agree",
            effect=_effect(seen),
            done="Agreed to: what became of it is above",
            is_primary=True,
            **refused(operator, MONEY, obstacle_to(ProposalAction.AGREE, seen.proposal)),
        ),
        Action(
            "decline",
            "Decline",
            f"{path}/decline",
            effect=f"{seen.installer} stays charged. Whoever proposed it is told why.",
            fields=(
                FormField(
                    "note", "Why", FieldKind.PROSE, is_required=True, hint="Goes to who proposed it", longest=1000
                ),
            ),
            done="Declined: it stays charged",
            destroys=True,
            **refused(operator, MONEY, obstacle_to(ProposalAction.DECLINE, seen.proposal)),
        ),
    ]


def _effect(seen: _Seen) -> str:
    """What agreeing does, by the road that its delivery is on."""
    cents, limit = money(seen.cents), money(seen.limit_cents)
    number = seen.invoice.number if seen.invoice else None
    is_over = seen.cents > seen.limit_cents
    match seen.road.result, seen.road.why:
        case CreditResult.VOIDED, _:
            return f"Takes it out of billing for good: {seen.installer} is not charged {cents} (with GST) for it."
        case CreditResult.CREDITED, _ if is_over:
            return f"Asks for a credit of {cents} on {number}: it is over {limit}, and another operator has to agree."
        case CreditResult.CREDITED, _:
            return f"Takes {cents} (with GST) off {number}; the adjustment note is made and mailed."
        case CreditResult.WAITS_FOR_INVOICE, Why.ON_A_DRAFT:
            then = f"; over {limit} another operator then has to agree" if is_over else ", with an adjustment note"
            return f"The draft stays as it is: {cents} (with GST) are credited right after its issue{then}."
        case CreditResult.WAITS_FOR_INVOICE, _:
            return f"It is billed first, because {cents} is over {limit}; another operator then has to agree."
        case _:
            return f"{seen.road.why}." if seen.road.why else "Nothing happens until its delivery is known."


@form_at(PATH + "/{request_id:uuid}/agree", MONEY, step_up=True)
async def agree_by_form(
    request_id: FromPath[UUID],
    data: JSONBody[AgreeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    await agree.fn(request_id, database, clock, settings, house, operator)
    return console.redirect(f"{PATH}/{request_id}?done=agree")


@form_at(PATH + "/{request_id:uuid}/decline", MONEY)
async def decline_by_form(
    request_id: FromPath[UUID],
    data: JSONBody[DeclineForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    await decline.fn(request_id, data, database, clock, settings, operator)
    return console.redirect(f"{PATH}/{request_id}?done=decline")


ROUTES = (show_credit_proposal, agree_by_form, decline_by_form)
