"""One delivery: its price and where that came from, the invoice that bills it, and its end."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy import Row, select

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, show_document
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import CreditReason, ProductType
from services.billing.domain import gst
from services.billing.domain.deliveries import obstacle_to_void
from services.billing.domain.periods import month_name
from services.billing.domain.statuses import EventStatus
from services.billing.http.deliveries import VoidDeliveryBody, post_void_delivery
from services.billing.models import DeliveryEvent, Invoice, PricePlan
from services.billing.pages.deliveries import (
    ACCOUNTS,
    CAP_TONES,
    INVOICES,
    PATH,
    ROOM,
    STATUS_TONES,
    lead_title,
)
from services.billing.pages.doors import decision_of
from services.billing.queries import listings
from services.billing.settings import Settings

MONEY = Capability.MANAGE_BILLING_OPS
VOID = "void"
VERBS = {"void_delivery": "voided it"}


class VoidDeliveryForm(VoidDeliveryBody, Form):
    """As the JSON route takes it."""


@page_at(PATH + "/{delivery_event_id:uuid}", Capability.READ_OPS)
async def show_delivery(
    delivery_event_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        found = await listings.delivery(session, delivery_event_id)
        plan = await session.scalar(select(PricePlan).where(PricePlan.id == found[0].price_plan_id))
        told = await moments_of(session, [Subject("delivery", delivery_event_id)], VERBS, console.wording)
    document = _document(found, plan, console, _void(found, settings, operator), told)
    return show_document(console, request, document, done)


def _void(row: Row[DeliveryEvent, str, Invoice], settings: Settings, operator: Operator) -> Action:
    delivery, installer, invoice = row
    cents = gst.split_gst([delivery.priced])[0].inc_gst_cents
    limit_cents = settings.approval_limit_cents
    why_not = obstacle_to_void(
        delivery.event_status, is_billed=invoice is not None, inc_gst_cents=cents, limit_cents=limit_cents
    )
    return Action(
        VOID,
        "Void delivery",
        f"{PATH}/{delivery.id}/{VOID}",
        effect=f"Takes it out of billing for good: {installer} is not charged {money(cents)} (with GST) for it. "
        "The installer keeps the lead; for a lead that was no good its cap is released.",
        fields=(
            FormField("reason_code", "Reason", FieldKind.CHOICE, is_required=True, options=options_of(CreditReason)),
            FormField("notes", "Notes", FieldKind.PROSE, hint="Stand in the timeline", longest=1000),
        ),
        done="Voided: nothing will bill it",
        destroys=True,
        **refused(operator, MONEY, why_not),
    )


def _document(
    row: Row[DeliveryEvent, str, Invoice], plan: PricePlan | None, console: Console, void: Action, told: list[Moment]
) -> Document:
    delivery, installer, invoice = row
    states = [chip(words(delivery.event_status), STATUS_TONES[delivery.event_status])]
    if delivery.credit_reason_code:
        states.append(chip(words(delivery.credit_reason_code), "warning"))
    return Document(
        title=lead_title(delivery.service, delivery.locality),
        room=ROOM,
        up=("Delivery events", f"{PATH}?status=billable&invoiced=no"),
        states=states,
        sentence=_sentence(row, console),
        amount=money(delivery.unit_price_cents),
        amount_note=f"{delivery.currency}, {'with' if delivery.includes_gst else 'without'} GST",
        facts=[
            Fact("Installer", Shown(installer, path=f"{ACCOUNTS}/{delivery.installer_id}")),
            Fact("Product", Shown(delivery.product_type, Kind.WORD)),
            Fact("Delivered", Shown(delivery.delivered_at, Kind.INSTANT)),
            Fact("Invoice", _invoice(delivery, invoice)),
            Fact("Cap", Shown(delivery.cap_status, Kind.CHIP, tones=CAP_TONES)),
            *(
                [Fact("Cap released for", Shown(delivery.cap_release_reason, Kind.WORD))]
                if delivery.cap_release_reason
                else []
            ),
            Fact("Lead", _elsewhere(console, "intake", "leads", delivery.lead_id)),
            Fact("Assignment", _elsewhere(console, "routing", "assignments", delivery.assignment_id)),
            Fact("Decision", decision_of(delivery, console)),
        ],
        actions=[void],
        sections=[Facts("Price", _price(delivery, plan))],
        timeline=in_order(told, _moments(delivery, installer, invoice)),
    )


def _sentence(row: Row[DeliveryEvent, str, Invoice], console: Console) -> str:
    delivery, installer, _ = row
    got = "got it alone" if delivery.product_type is ProductType.EXCLUSIVE else "got a share of it"
    return f"{installer} {got} on {console.wording.exact(delivery.delivered_at)}; {_billing(row)}."


def _billing(row: Row[DeliveryEvent, str, Invoice]) -> str:
    delivery, _, invoice = row
    match delivery.event_status:
        case EventStatus.VOID:
            return "nothing will bill it"
        case EventStatus.CREDITED:
            return "it was credited whole"
        case EventStatus.BILLABLE:
            return _billed_by(invoice)


def _billed_by(invoice: Invoice | None) -> str:
    """None while it is on no invoice, though the row's type does not say so."""
    return "no invoice bills it yet" if invoice is None else f"{invoice.number or 'a draft'} bills it"


def _price(delivery: DeliveryEvent, plan: PricePlan | None) -> list[Fact]:
    amounts = gst.split_gst([delivery.priced])[0]
    return [
        Fact("Without GST", Shown(amounts.ex_gst_cents, Kind.MONEY)),
        Fact("GST", Shown(amounts.gst_cents, Kind.MONEY)),
        Fact("With GST", Shown(amounts.inc_gst_cents, Kind.MONEY)),
        Fact("Treatment", Shown(delivery.gst_treatment, Kind.WORD)),
        Fact("By the prices from", Shown(plan.effective_from if plan else None, Kind.INSTANT)),
        Fact("Set by", plan.created_by if plan else ""),
    ]


def _invoice(delivery: DeliveryEvent, invoice: Invoice | None) -> Shown:
    if invoice is None:
        return Shown("Not invoiced" if delivery.event_status == "billable" else "None")
    return Shown(invoice.number or f"Draft of {month_name(invoice.period or '')}", path=f"{INVOICES}/{invoice.id}")


def _elsewhere(console: Console, service: str, room: str, id_: UUID) -> Shown:
    return Shown(str(id_)[-8:], Kind.ID, path=console.addresses.url(service, f"/console/{room}/{id_}"))


def _moments(delivery: DeliveryEvent, installer: str, invoice: Invoice | None) -> list[Moment]:
    moments = [
        Moment(delivery.delivered_at, "Waybill", f"delivered the lead to {installer}"),
        Moment(delivery.recorded_at, "Waybill", f"recorded it at {money(delivery.unit_price_cents)}"),
    ]
    if invoice is not None:
        moments.append(
            Moment(invoice.created_at, "Waybill", f"put it on the draft of {month_name(invoice.period or '')}")
        )
        if invoice.issued_at is not None:
            moments.append(Moment(invoice.issued_at, "Waybill", f"billed it on {invoice.number}"))
    return list(reversed(moments))


@form_at(PATH + "/{delivery_event_id:uuid}/" + VOID, MONEY, step_up=True)
async def void_by_form(
    delivery_event_id: FromPath[UUID],
    data: JSONBody[VoidDeliveryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    await post_void_delivery.fn(delivery_event_id, data, database, clock, settings, operator)
    return console.redirect(f"{PATH}/{delivery_event_id}?done={VOID}")


ROUTES = (show_delivery, void_by_form)
