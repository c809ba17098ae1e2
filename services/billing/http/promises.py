"""Promises to pay, and who sees to an invoice, over HTTP."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.adjusting import Decider
from services.billing.commands.house import House
from services.billing.commands.owners import GiveInvoice, GivenInvoice, give_invoice
from services.billing.commands.promises import MakePromise, make_promise, withdraw_promise
from services.billing.domain.promises import PromiseState
from services.billing.http.fields import AmountCents, Note
from services.billing.models import Promise
from services.billing.queries import promises

PromisedBy = Annotated[Line, StringConstraints(max_length=120)]
MONEY = Capability.MANAGE_BILLING_OPS


class NewPromise(Body):
    """By a day of the business; without an amount, of all that is owed. With a `promise_id`, sent twice it is one."""

    promised_for: date
    amount_cents: AmountCents | None = None
    promised_by: PromisedBy | None = Field(None, description="who said so at the customer")
    note: Note | None = None
    promise_id: UUID | None = None


class WithdrawBody(Body):
    reason: Note = Field(min_length=1)


class OwnerBody(Body):
    """Null gives it back: then it is nobody's."""

    owner_id: UUID | None
    reason: Note | None = None


class PromiseView(BaseModel):
    id: UUID
    invoice_id: UUID
    state: PromiseState
    amount_cents: int
    promised_for: date
    promised_by: str | None
    note: str | None
    made_by_name: str
    made_at: datetime
    ended_at: datetime | None
    ended_by_name: str | None
    ended_reason: str | None


class OwnerView(BaseModel):
    invoice_id: UUID
    owner_id: UUID | None
    owner_name: str | None


def _view(promise: Promise) -> PromiseView:
    return PromiseView.model_validate(promise, from_attributes=True)


@post("/admin/billing/invoices/{invoice_id:uuid}/promises", status_code=200, guards=[requires(MONEY)])
async def post_promise(
    invoice_id: FromPath[UUID],
    data: JSONBody[NewPromise],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> PromiseView:
    """Keeps what the customer promised; at the end of the day it is kept or broken, by what came in."""
    async with database.transaction() as session:
        promise = await promise_by_operator(session, invoice_id, data, house, operator, clock.now())
    return _view(promise)


async def promise_by_operator(
    session: AsyncSession, invoice_id: UUID, data: NewPromise, house: House, operator: Operator, now: datetime
) -> Promise:
    command = MakePromise(
        promise_id=data.promise_id or new_id(),
        invoice_id=invoice_id,
        by=Decider(operator.id, operator.name),
        **data.model_dump(include={"promised_for", "amount_cents", "promised_by", "note"}),
    )
    made = await make_promise(session, command, house.zone, now)
    if made.is_new:
        await audit.record(
            session,
            actor=operator,
            action="make_promise",
            subject=Subject("invoice", invoice_id),
            after={
                "promise": made.promise.state,
                "amount_cents": made.promise.amount_cents,
                "promised_for": data.promised_for,
            },
            reason_text=data.note,
        )
    return made.promise


@post("/admin/billing/promises/{promise_id:uuid}/withdraw", status_code=200, guards=[requires(MONEY)])
async def post_withdraw_promise(
    promise_id: FromPath[UUID],
    data: JSONBody[WithdrawBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> PromiseView:
    """Takes an open promise away, for a reason; one that is kept or broken stays."""
    async with database.transaction() as session:
        promise = await withdraw_by_operator(session, promise_id, data.reason, operator, clock.now())
    return _view(promise)


async def withdraw_by_operator(
    session: AsyncSession, promise_id: UUID, reason: str, operator: Operator, now: datetime
) -> Promise:
    was = (await promises.find(session, promise_id)).state
    promise = await withdraw_promise(session, promise_id, operator.name, reason, now)
    if was is not promise.state:
        await audit.record(
            session,
            actor=operator,
            action="withdraw_promise",
            subject=Subject("invoice", promise.invoice_id),
            before={"promise": was},
            after={"promise": promise.state},
            reason_text=reason,
        )
    return promise


@get("/admin/billing/promises", guards=[requires(Capability.READ_OPS)])
async def list_promises(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[PromiseState | None, QueryParameter(name="state")] = None,
    invoice_id: FromQuery[UUID | None] = None,
) -> Page[PromiseView]:
    """Newest first."""
    async with database.reading() as session:
        found = await promises.page_of(session, page, in_state, invoice_id)
    return page.page(found, lambda row: (row.made_at, row.id), _view)


@put("/admin/billing/invoices/{invoice_id:uuid}/owner", guards=[requires(MONEY)])
async def put_invoice_owner(
    invoice_id: FromPath[UUID],
    data: JSONBody[OwnerBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> OwnerView:
    """Gives the invoice to who sees to it that it is paid."""
    async with database.transaction() as session:
        given = await give_by_operator(session, invoice_id, data, operator, clock.now())
    return OwnerView(invoice_id=invoice_id, owner_id=data.owner_id, owner_name=given.after)


async def give_by_operator(
    session: AsyncSession, invoice_id: UUID, data: OwnerBody, operator: Operator, now: datetime
) -> GivenInvoice:
    given = await give_invoice(session, GiveInvoice(invoice_id, data.owner_id), now)
    if given.is_changed:
        await audit.record(
            session,
            actor=operator,
            action="give_invoice",
            subject=Subject("invoice", invoice_id),
            before={"owner": given.before},
            after={"owner": given.after},
            reason_text=data.reason,
        )
    return given


ROUTES = (post_promise, post_withdraw_promise, list_promises, put_invoice_owner)
