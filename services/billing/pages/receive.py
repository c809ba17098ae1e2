"""One sum for several invoices of an account: how much, then what it pays for, the oldest due first or as one says."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Redirect
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, html_of
from chassis.console.documents import Document, Fact, Note, Part, show_document
from chassis.console.fields import Day, Dollars, FieldKind, FormField, dollars, start_of
from chassis.console.wording import counted, money
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.domain.allocation import Owed, oldest_first, rest_of
from services.billing.domain.statuses import PaymentMethod
from services.billing.http.fields import LARGEST_AMOUNT_CENTS, Reference, StripePaymentId
from services.billing.http.receipts import MOST_PARTS, NewReceipt, post_receipt
from services.billing.http.receipts import Part as ReceiptPart
from services.billing.models import Account
from services.billing.pages.account_page import AccountPage
from services.billing.pages.accounts import PATH, ROOM
from services.billing.pages.doors import RECEIPTS, ROOMS, account_path
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_actions import method_field
from services.billing.queries import accounts, receipts
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS
RECEIVE = "receive"
MOST_ROWS = 100
"""So many of the oldest are listed; more than that are paid on their own pages."""
Amount = Annotated[Dollars, Field(ge=1, le=LARGEST_AMOUNT_CENTS)]
Cents = Annotated[int, QueryParameter(ge=1, le=LARGEST_AMOUNT_CENTS)]
VERBS = {"record_receipt": "recorded a receipt", "reverse_payment": "took a receipt's rest back"}
FIELDS = {
    "payment_exceeds_balance": "paid",
    "split_exceeds_receipt": "amount",
    "received_in_the_future": "received_day",
    "payment_reference_taken": "reference",
    "stripe_payment_id_missing": "external_payment_ref",
    "stripe_tells_payments": "external_payment_ref",
}


def _empty_is_nothing(written: object) -> object:
    return 0 if isinstance(written, str) and not written.strip() else written


PartAmount = Annotated[Dollars, BeforeValidator(_empty_is_nothing), Field(ge=0, le=LARGEST_AMOUNT_CENTS)]


class SumForm(Form):
    amount: Amount


class ReceiveForm(Form):
    """`invoice_id` and `paid` have the same places: so much of the amount pays for that invoice."""

    amount: Amount
    received_day: Day
    method: PaymentMethod
    reference: Reference
    external_payment_ref: StripePaymentId | None = None
    invoice_id: Annotated[list[UUID], Field(max_length=MOST_PARTS)] = []
    paid: Annotated[list[PartAmount], Field(max_length=MOST_PARTS)] = []

    @property
    def parts(self) -> list[ReceiptPart]:
        named = zip(self.invoice_id, self.paid, strict=False)
        return [ReceiptPart(invoice_id=id_, amount_cents=cents) for id_, cents in named if cents]


async def receive(page: AccountPage) -> Action:
    return Action(
        RECEIVE,
        "Record a receipt",
        f"{page.path}/{RECEIVE}",
        effect="One sum for several invoices, or for none yet: next you see what it pays for, and nothing is recorded "
        "before you say so.",
        fields=(FormField("amount", "Amount", FieldKind.MONEY, value=dollars(page.owed_cents), is_required=True),),
        **refused(page.operator, MONEY),
    )


@form_at(PATH + "/{account_id:uuid}/" + RECEIVE, MONEY)
async def begin_by_form(account_id: FromPath[UUID], data: JSONBody[SumForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{account_path(account_id)}/{RECEIVE}?cents={data.amount}")


@page_at(PATH + "/{account_id:uuid}/" + RECEIVE, MONEY)
async def show_split(
    account_id: FromPath[UUID],
    cents: Cents,
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[str]:
    """What the oldest due first comes to, to be changed before it is recorded."""
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        owed = await _owed(session, account_id)
    parts = oldest_first(cents, owed)
    today = clock.now().astimezone(house.zone).date().isoformat()
    recording = _recording(account, cents, rest_of(cents, parts), today, operator)
    document = Document(
        title=f"A receipt of {account.name}",
        room=ROOM,
        up=(account.name, account_path(account_id)),
        sentence="The oldest due is paid first; change the amounts where the customer said otherwise.",
        amount=money(cents),
        amount_note="AUD came in",
        notes=_notes(owed),
        facts=[
            Fact("Owed", money(sum(each.cents for each in owed))),
            Fact("No invoice takes", money(rest_of(cents, parts))),
        ],
        actions=[] if recording.is_possible else [recording],
        sections=_what_it_pays(recording, _rows(account, owed, parts, console)),
        timeline=None,
    )
    return show_document(console, request, document)


def _what_it_pays(recording: Action, rows: Sequence[Mapping[str, Any]]) -> list[Part]:
    shown = Part("What it pays for", "receive.html", {"action": recording, "rows": rows})
    return [shown] if recording.is_possible else []


def _rows(
    account: Account, owed: Sequence[Owed], parts: Mapping[UUID, int], console: Console
) -> list[Mapping[str, Any]]:
    return [
        {
            "path": f"{ROOMS[account.kind]}/{each.invoice_id}",
            "number": each.number,
            "invoice_id": each.invoice_id,
            "due": html_of(Kind.DAY, each.due_at, console.wording),
            "owed": money(each.cents),
            "part": dollars(parts.get(each.invoice_id, 0)),
        }
        for each in owed[:MOST_ROWS]
    ]


async def _owed(session: AsyncSession, account_id: UUID) -> list[Owed]:
    return sorted(await receipts.owed(session, account_id), key=lambda each: (each.due_at, each.number))


def _notes(owed: list[Owed]) -> list[Note]:
    if not owed:
        return [Note("Nothing is owed", "All of it becomes the customer's credit.", "info")]
    if len(owed) > MOST_ROWS:
        left = counted(len(owed) - MOST_ROWS, "invoice is", "invoices are")
        return [Note(f"{left} not listed", "What is due later is paid on its own page.", "info")]
    return []


def _recording(account: Account, cents: int, rest_cents: int, today: str, operator: Operator) -> Action:
    kept = f" {money(rest_cents)} is kept as {account.name}'s credit." if rest_cents else ""
    return Action(
        RECEIVE,
        "Record it",
        f"{account_path(account.id)}/{RECEIVE}/record",
        effect=f"Each invoice is paid by its amount; what the amounts leave is the customer's credit.{kept}",
        fields=(
            FormField("amount", "Amount", FieldKind.MONEY, value=dollars(cents), is_required=True),
            FormField("received_day", "Received on", FieldKind.DAY, value=today, is_required=True),
            method_field(PaymentMethod.BANK_TRANSFER),
            FormField(
                "reference",
                "Reference",
                is_required=True,
                hint="The bank's, the cheque's or the receipt's: the same reference is recorded once",
                longest=120,
            ),
            FormField(
                "external_payment_ref", "Stripe payment", hint="Where it came through Stripe: pi_…, py_… or ch_…"
            ),
        ),
        **refused(operator, MONEY),
    )


@form_at(PATH + "/{account_id:uuid}/" + RECEIVE + "/record", MONEY, step_up=True)
async def receive_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[ReceiveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    now = clock.now()
    is_today = data.received_day == now.astimezone(house.zone).date()
    with told_beside(FIELDS):
        receipt = NewReceipt(
            amount_cents=data.amount,
            received_at=now if is_today else start_of(data.received_day, house.zone),
            parts=data.parts,
            **data.model_dump(include={"method", "reference", "external_payment_ref"}),
        )
        answer = await post_receipt.fn(account_id, receipt, database, clock, gateway, operator)
    return console.redirect(f"{RECEIPTS}/{answer.content.id}?done=received")


ROUTES = (begin_by_form, show_split, receive_by_form)
