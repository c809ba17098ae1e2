"""Differences between our books and Stripe's over HTTP, and what can be done about each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.differences import (
    AcceptDifference,
    Owner,
    RecordDifference,
    accept_difference,
    assign_difference,
    record_difference,
    refer_invoice,
    refresh_difference,
    standing_of,
)
from services.billing.domain.reconciliation import (
    CURES,
    About,
    AcceptReason,
    Deed,
    DifferenceKind,
    DifferenceState,
    obstacle_to,
)
from services.billing.errors import OwnerUnknown
from services.billing.http.fields import Note
from services.billing.models import Difference
from services.billing.queries import differences, operators
from services.billing.queries.differences import DifferenceFilter
from services.billing.reconciling import look_up_again
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS
PATH = "/admin/billing/differences"
OF_ONE = PATH + "/{difference_id:uuid}"


class DifferenceView(BaseModel):
    """`kind` is in what ours and theirs differ, `about` is what, `about_key` its id: Stripe's wherever it has one.

    `cure` is what a person does about it, by its `code`.
    """

    id: UUID
    about: About
    about_key: str
    kind: DifferenceKind
    code: str
    cure: str | None = Field(None, description="of an open one")
    invoice_id: UUID | None
    payment_id: UUID | None
    stripe_id: str | None
    ours_cents: int | None
    theirs_cents: int | None
    ours_state: str | None
    theirs_state: str | None
    state: DifferenceState
    owner_id: UUID | None
    owner_name: str | None
    reason_code: AcceptReason | None
    reason_text: str | None
    accepted_by_name: str | None
    first_seen_at: datetime
    changed_at: datetime
    available_deeds: list[Deed]

    @classmethod
    def of(cls, row: Difference, gateway: StripeGateway | None) -> Self:
        own = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        standing = standing_of(row, is_connected=gateway is not None)
        deeds = [deed for deed in Deed if obstacle_to(deed, standing) is None]
        cure = CURES[row.code] if row.state is DifferenceState.OPEN else None
        return cls(**own, cure=cure, available_deeds=deeds)


class AssignBody(Body):
    """Null takes it from whoever has it."""

    owner_id: UUID | None
    reason: Note | None = None


class AcceptBody(Body):
    reason_code: AcceptReason
    reason: Note = Field(description="why ours stays as it is, and theirs too")


class RecordBody(Body):
    """A payment needs the invoice of ours that it is of; a fee or a movement to the bank needs nothing."""

    invoice_id: UUID | None = None
    reason: Note | None = None


class ReferBody(Body):
    invoice_id: UUID = Field(description="the invoice of ours that was made at Stripe under this id")
    reason: Note | None = None


class LookUpBody(Body):
    reason: Note | None = None


@get(PATH, guards=[requires(Capability.READ_OPS)])
async def list_differences(
    database: Given[Database],
    page: Given[PageRequest],
    gateway: Given[StripeGateway | None],
    in_state: Annotated[DifferenceState | None, QueryParameter(name="state")] = None,
    kind: FromQuery[DifferenceKind | None] = None,
    about: FromQuery[About | None] = None,
    owner_id: FromQuery[UUID | None] = None,
) -> Page[DifferenceView]:
    """The latest first; `state=open` is what waits for somebody."""
    async with database.reading() as session:
        found = await differences.listed(session, page, DifferenceFilter(in_state, kind, about, owner_id))
    return page.page(found, lambda row: (row.first_seen_at, row.id), lambda row: DifferenceView.of(row, gateway))


@get(OF_ONE, guards=[requires(Capability.READ_OPS)])
async def get_difference(
    difference_id: FromPath[UUID], database: Given[Database], gateway: Given[StripeGateway | None]
) -> DifferenceView:
    async with database.reading() as session:
        return DifferenceView.of(await differences.find(session, difference_id), gateway)


@post(OF_ONE + "/assign", status_code=200, guards=[requires(MONEY)])
async def post_assign(
    difference_id: FromPath[UUID],
    data: JSONBody[AssignBody],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> DifferenceView:
    """Gives it to somebody who may work on billing, or takes it from them."""
    async with database.transaction() as session:
        difference = await assign_by_operator(session, difference_id, data, operator, clock.now())
        return DifferenceView.of(difference, gateway)


async def assign_by_operator(
    session: AsyncSession, difference_id: UUID, data: AssignBody, operator: Actor, now: datetime
) -> Difference:
    owner = await _owner(session, data.owner_id, operator)
    before = (await differences.lock(session, difference_id)).owner_name
    difference = await assign_difference(session, difference_id, owner, now)
    if difference.owner_name != before:
        was, is_now = {"owner": before}, {"owner": difference.owner_name}
        await _audited(session, operator, "assign_difference", difference, was, after=is_now, reason=data.reason)
    return difference


async def _owner(session: AsyncSession, owner_id: UUID | None, operator: Actor) -> Owner | None:
    if owner_id is None:
        return None
    if owner_id == operator.id:
        return Owner(owner_id, operator.name)
    known = (await operators.of_ids(session, [owner_id])).get(owner_id)
    if known is None or not known.may_own:
        raise OwnerUnknown("no active operator who may work on billing has this id", owner_id=owner_id)
    return Owner(owner_id, known.name)


@post(OF_ONE + "/accept", status_code=200, guards=[requires(MONEY, step_up=True)])
async def post_accept(
    difference_id: FromPath[UUID],
    data: JSONBody[AcceptBody],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> DifferenceView:
    """Leaves it as it is, for a reason, until what either side says changes."""
    async with database.transaction() as session:
        difference = await accept_by_operator(session, difference_id, data, operator, clock.now())
        return DifferenceView.of(difference, gateway)


async def accept_by_operator(
    session: AsyncSession, difference_id: UUID, data: AcceptBody, operator: Actor, now: datetime
) -> Difference:
    before = {"state": (await differences.lock(session, difference_id)).state}
    command = AcceptDifference(difference_id, data.reason_code, data.reason, operator.name)
    difference = await accept_difference(session, command, now)
    await _audited(
        session, operator, "accept_difference", difference, before, reason_code=data.reason_code, reason=data.reason
    )
    return difference


@post(OF_ONE + "/record", status_code=200, guards=[requires(MONEY, step_up=True)])
async def post_record(
    difference_id: FromPath[UUID],
    data: JSONBody[RecordBody],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> DifferenceView:
    """Takes what Stripe has into our books: a payment, a fee, money that went to the bank. Stripe is asked first."""
    async with database.reading() as session:
        known = await differences.find(session, difference_id)
    items = await look_up_again(gateway, known.about, known.about_key) if gateway else []
    command = RecordDifference(difference_id, operator.name, data.invoice_id, items)
    async with database.transaction() as session:
        before = _standing(await differences.lock(session, difference_id))
        difference = await record_difference(session, command, clock.now())
        after = _standing(difference) | {"invoice_id": data.invoice_id}
        await _audited(session, operator, "record_difference", difference, before, after=after, reason=data.reason)
        return DifferenceView.of(difference, gateway)


@post(OF_ONE + "/look-up", status_code=200, guards=[requires(MONEY)])
async def post_look_up(
    difference_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
    data: JSONBody[LookUpBody | None] = None,
) -> DifferenceView:
    """Asks Stripe about this one thing now, and compares it again."""
    async with database.reading() as session:
        known = await differences.find(session, difference_id)
    items = await look_up_again(gateway, known.about, known.about_key)
    async with database.transaction() as session:
        before = _standing(await differences.lock(session, difference_id))
        difference = await refresh_difference(session, difference_id, items, clock.now())
        after, reason = _standing(difference), data.reason if data else None
        await _audited(session, operator, "look_up_difference", difference, before, after=after, reason=reason)
        return DifferenceView.of(difference, gateway)


@post(OF_ONE + "/refer", status_code=200, guards=[requires(MONEY, step_up=True)])
async def post_refer(
    difference_id: FromPath[UUID],
    data: JSONBody[ReferBody],
    database: Given[Database],
    clock: Given[Clock],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> DifferenceView:
    """Puts the reference right: gives Stripe's invoice to the one of ours that has none, where the totals are equal."""
    async with database.transaction() as session:
        before = _standing(await differences.lock(session, difference_id))
        difference = await refer_invoice(session, difference_id, data.invoice_id, clock.now())
        after = _standing(difference) | {"invoice_id": data.invoice_id}
        await _audited(session, operator, "refer_difference", difference, before, after=after, reason=data.reason)
        return DifferenceView.of(difference, gateway)


def _standing(difference: Difference) -> dict[str, Any]:
    return {name: getattr(difference, name) for name in ("state", "ours_cents", "theirs_cents")}


async def _audited(
    session: AsyncSession,
    operator: Actor,
    action: str,
    difference: Difference,
    before: Mapping[str, Any],
    *,
    after: Mapping[str, Any] | None = None,
    reason_code: str | None = None,
    reason: str | None = None,
) -> None:
    await audit.record(
        session,
        actor=operator,
        action=action,
        subject=Subject("difference", difference.id),
        before=before,
        after=after or {"state": difference.state},
        reason_code=reason_code,
        reason_text=reason,
    )


ROUTES = (
    list_differences,
    get_difference,
    post_assign,
    post_accept,
    post_record,
    post_look_up,
    post_refer,
)
