"""One difference: both sides beside each other, what cures it, and what a person can do about it here."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from chassis.audit import Subject
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Table, show_document
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.reconciliation import DifferenceState
from services.billing.models import Difference, Invoice
from services.billing.pages.difference_deeds import VERBS, actions_of
from services.billing.pages.differences import ABOUTS, KINDS, OPEN, PATH, ROOM, STATES, TONES, owner_fields
from services.billing.pages.doors import invoice_path
from services.billing.queries import differences
from services.billing.stripe_gateway import StripeGateway

CURES: Mapping[str, str] = {
    "invoice_not_here": "Give it to the invoice of ours that was made under it, or void it at Stripe.",
    "invoice_not_at_stripe": "Make it at Stripe, or void ours and issue it again under the right reference.",
    "invoice_amount_differs": "Correct it at Stripe; ours does not change once it is issued: credit or debit it.",
    "invoice_state_differs": "Record what was paid, or mark it at Stripe as paid elsewhere, void or uncollectible.",
    "payment_not_here": "Record it on its invoice.",
    "payment_not_at_stripe": "Look the reference up at Stripe; reverse ours if nothing came in.",
    "payment_amount_differs": "Reverse ours and record what Stripe has.",
    "payment_state_differs": "Reverse ours: Stripe has not got the money.",
    "refund_not_here": "Reverse the payment here, on its invoice's page, by what was refunded.",
    "refund_not_at_stripe": "Refund it at Stripe.",
    "refund_amount_differs": "Refund the rest at Stripe, or reverse the rest here.",
    "credit_note_not_here": "Give the credit here, or void the note at Stripe.",
    "credit_note_not_at_stripe": "Make the credit note at Stripe.",
    "credit_note_amount_differs": "Make the two equal: a further credit here, or a further note there.",
    "transfer_not_here": "See the expert's payout: it was sent by hand, or its news is on its way.",
    "transfer_not_at_stripe": "See the expert's payout: Stripe has no such transfer.",
    "transfer_amount_differs": "See the expert's payout, and tell the platform's keepers.",
    "movement_not_here": "Record it, or reverse the payment that it is of under its id.",
    "movement_amount_differs": "Record what is missing of it.",
    "fee_differs": "Record what Stripe took.",
    "currency_not_kept": "Our books are in AUD: settle it at Stripe, and accept it here.",
    "balance_amount_differs": "Work off the other differences; what is left then is still on its way.",
}


@page_at(PATH + "/{difference_id:uuid}", Capability.READ_OPS)
async def show_difference(
    difference_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        difference = await differences.find(session, difference_id)
        invoice = await differences.invoice_of(session, difference)
        owners = await owner_fields(session)
        moments = await moments_of(session, [Subject("difference", difference.id)], VERBS, console.wording)
    document = Document(
        title=f"{ABOUTS[difference.about]}: {KINDS[difference.kind].lower()}",
        room=ROOM,
        up=("Differences from Stripe", OPEN),
        states=(chip(STATES[difference.state], TONES[difference.state]),),
        sentence=_sentence(difference),
        amount=money((difference.ours_cents or 0) - (difference.theirs_cents or 0)),
        amount_note="AUD, ours less Stripe's",
        facts=_facts(difference),
        actions=actions_of(difference, operator, owners, is_connected=gateway is not None),
        sections=[_sides(difference, invoice)],
        timeline=in_order(moments, [Moment(difference.first_seen_at, "Waybill", "saw it first")]),
    )
    return show_document(console, request, document, done)


def _sentence(difference: Difference) -> str:
    if difference.state is DifferenceState.GONE:
        return "The last comparison did not find it any more."
    if difference.state is DifferenceState.ACCEPTED:
        return f"Accepted by {difference.accepted_by_name}: {difference.reason_text}"
    return CURES[difference.code]


def _facts(difference: Difference) -> list[Fact]:
    return [
        Fact("Id at Stripe", Shown(difference.stripe_id or difference.about_key)),
        Fact("Owner", Shown(difference.owner_name)),
        Fact("First seen", Shown(difference.first_seen_at, Kind.AGO)),
        Fact("Changed", Shown(difference.changed_at, Kind.INSTANT)),
        Fact("Accepted because", Shown(difference.reason_code, Kind.WORD)),
    ]


def _sides(difference: Difference, invoice: Invoice | None) -> Table:
    ours = Shown(invoice.number or "Draft", path=invoice_path(invoice.kind, invoice.id)) if invoice else Shown(None)
    return Table(
        "Both sides",
        (("", Kind.TEXT), ("What", Kind.TEXT), ("State", Kind.WORD), ("Amount, AUD", Kind.MONEY)),
        [
            ("Ours", ours, Shown(difference.ours_state, Kind.WORD), Shown(difference.ours_cents, Kind.MONEY)),
            (
                "Stripe's",
                difference.about_key,
                Shown(difference.theirs_state, Kind.WORD),
                Shown(difference.theirs_cents, Kind.MONEY),
            ),
        ],
        note="A side that has nothing of it shows a dash.",
    )


ROUTES = (show_difference,)
