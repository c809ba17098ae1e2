"""The close of a month over HTTP: whom it is about, who ticked which of its steps, and its Stripe references."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get, post, put
from litestar.params import JSONBody, PathParameter
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Change, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.billing.commands.adjusting import Decider
from services.billing.commands.many_references import ImportedReference, keep_references, look_at_references
from services.billing.commands.month_marks import MarkStep, mark_step
from services.billing.commands.month_scopes import ChooseScope, choose_scope
from services.billing.domain.month_close import CloseStep
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.domain.references import MOST_REFERENCES, GivenReference, ReferenceResult
from services.billing.domain.unrecorded import Span
from services.billing.http.fields import Note, StripeInvoiceId, WebAddress
from services.billing.http.months import InstallerIds
from services.billing.models import MonthMark, MonthScope
from services.billing.queries import month_marks, month_steps, months, unrecorded
from services.billing.queries.months import MonthFigures
from services.billing.settings import Settings

READ, MONEY = Capability.READ_OPS, Capability.MANAGE_BILLING_OPS
LARGEST_LIST_BYTES = 2 * 1024 * 1024
"""Of as many references as are kept at once, each with the longest address."""
MonthName = Annotated[str, PathParameter(pattern=MONTH_PATTERN, max_length=7, description="a month as 2026-03")]


class StepView(BaseModel):
    """`is_done` is what somebody said who looked; what stands in the way is in the books, and not here."""

    step: CloseStep
    is_done: bool
    note: str | None
    made_by: str | None
    made_at: datetime | None

    @classmethod
    def of(cls, step: CloseStep, mark: MonthMark | None) -> Self:
        if mark is None:
            return cls(step=step, is_done=False, note=None, made_by=None, made_at=None)
        return cls(step=step, is_done=mark.is_done, note=mark.note, made_by=mark.made_by_name, made_at=mark.made_at)


class MonthView(BaseModel):
    """Counts and sums are of the installers whom it is about; `installer_ids` null is all of them.

    `returns_count` are returns of its deliveries that nobody has decided, `unrecorded_count` deliveries that billing
    was told of, could not write and that may be of it, `without_reference_count` drafts that keep no Stripe reference.
    """

    period: str
    period_start: datetime
    period_end: datetime
    has_ended: bool
    installer_ids: list[UUID] | None
    delivery_count: int
    held_count: int
    draft_count: int
    draft_cents: int
    issued_count: int
    issued_cents: int
    unpaid_count: int
    unpaid_cents: int
    returns_count: int
    unrecorded_count: int
    without_reference_count: int
    currency: str
    steps: list[StepView]


class MarkBody(Body):
    """A step is ticked, or its tick taken back, with a note or without."""

    step: CloseStep
    is_done: bool
    note: Note | None = None


class ScopeBody(Body):
    """Whom it is about; null is all installers. `reason` stands in the audit."""

    installer_ids: InstallerIds | None
    reason: Note | None = None


class ReferenceRow(Body):
    invoice_id: UUID
    stripe_invoice_id: StripeInvoiceId
    stripe_invoice_url: WebAddress | None = None


class ReferencesBody(Body):
    """A dry run tells what would be kept, and keeps nothing. `reason` stands in the audit of each invoice."""

    references: Annotated[list[ReferenceRow], Field(min_length=1, max_length=MOST_REFERENCES)]
    dry_run: bool = False
    reason: Note | None = None

    def given(self) -> list[GivenReference]:
        return [GivenReference(**row.model_dump()) for row in self.references]


class ReferenceView(BaseModel):
    """`result` says what became of it, or would; `before` is the reference that the draft had."""

    invoice_id: UUID
    stripe_invoice_id: str
    stripe_invoice_url: str | None
    result: ReferenceResult
    account_name: str | None
    total_cents: int | None
    before: str | None


class ReferencesView(BaseModel):
    period: str
    dry_run: bool
    kept_count: int
    refused_count: int
    results: list[ReferenceView]


@get("/admin/billing/months/{period:str}", guards=[requires(READ)])
async def get_month(
    period: MonthName, database: Given[Database], clock: Given[Clock], settings: Given[Settings]
) -> MonthView:
    """Where the close of a month stands."""
    async with database.reading() as session:
        return await month_view(session, Period.of_month(period, settings.zone), clock.now())


@put("/admin/billing/months/{period:str}/scope", guards=[requires(MONEY)])
async def put_scope(
    period: MonthName,
    data: JSONBody[ScopeBody],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> MonthView:
    """Chooses whom the close of the month is about; drafts and invoices of others stay as they are."""
    month = Period.of_month(period, settings.zone)
    async with database.transaction() as session:
        await scope_by_operator(session, month.name, data, operator, clock.now())
        return await month_view(session, month, clock.now())


@post("/admin/billing/months/{period:str}/marks", status_code=200, guards=[requires(MONEY)])
async def post_mark(
    period: MonthName,
    data: JSONBody[MarkBody],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> MonthView:
    """Ticks a step of the month's close, or takes its tick back. Nothing in the books changes by it."""
    month = Period.of_month(period, settings.zone)
    async with database.transaction() as session:
        await mark_by_operator(session, month.name, data, operator, clock.now())
        return await month_view(session, month, clock.now())


@post(
    "/admin/billing/months/{period:str}/stripe-references",
    status_code=200,
    guards=[requires(MONEY)],
    request_max_body_size=LARGEST_LIST_BYTES,
)
async def post_references(
    period: MonthName, data: JSONBody[ReferencesBody], database: Given[Database], operator: Given[Operator]
) -> ReferencesView:
    """Keeps the Stripe references of a month's drafts until their issue, each with its own result."""
    if data.dry_run:
        async with database.reading() as session:
            results = await look_at_references(session, period, data.given())
    else:
        async with database.transaction() as session:
            results = await keep_references(session, period, data.given())
            await record_kept(session, results, operator, data.reason)
    return ReferencesView(
        period=period,
        dry_run=data.dry_run,
        kept_count=sum(each.result is ReferenceResult.KEPT for each in results),
        refused_count=sum(each.result.is_refused for each in results),
        results=[_view(each) for each in results],
    )


async def month_view(session: AsyncSession, period: Period, now: datetime) -> MonthView:
    scope = await month_marks.scope(session, period.name)
    ids = scope.installer_ids if scope else None
    [figures] = await months.figures(session, [period], now, ids)
    counts = await month_steps.counts(session, period, ids)
    marks = await month_marks.latest(session, period.name)
    return MonthView(
        period=period.name,
        period_start=period.start,
        period_end=period.end,
        has_ended=period.has_ended(now),
        installer_ids=ids,
        returns_count=counts.returns,
        unrecorded_count=(await unrecorded.unrecorded(session)).count_of(Span(period.start, period.end), ids),
        without_reference_count=counts.without_reference,
        currency="AUD",
        steps=[StepView.of(step, marks.get(step)) for step in CloseStep],
        **_shown(figures),
    )


def _shown(figures: MonthFigures) -> dict[str, int]:
    return {
        name: getattr(figures, name)
        for name in MonthView.model_fields
        if name in MonthFigures.__slots__ and name != "period"
    }


async def scope_by_operator(
    session: AsyncSession, period: str, body: ScopeBody, operator: Operator, now: datetime
) -> None:
    before = await month_marks.scope(session, period)
    command = ChooseScope(period, body.installer_ids, Decider(operator.id, operator.name))
    if await choose_scope(session, command, now):
        await audit.record(
            session,
            actor=operator,
            action="choose_month_scope",
            subject=Subject("period", period),
            before={"installer_ids": _ids(before)},
            after={"installer_ids": _ids(await month_marks.scope(session, period))},
            reason_text=body.reason,
        )


def _ids(scope: MonthScope | None) -> list[str] | None:
    return [str(id_) for id_ in scope.installer_ids] if scope and scope.installer_ids else None


async def mark_by_operator(
    session: AsyncSession, period: str, body: MarkBody, operator: Operator, now: datetime
) -> None:
    before = (await month_marks.latest(session, period)).get(body.step)
    command = MarkStep(period, body.step, body.is_done, body.note, Decider(operator.id, operator.name))
    if await mark_step(session, command, now):
        await audit.record(
            session,
            actor=operator,
            action="mark_month_step" if body.is_done else "unmark_month_step",
            subject=Subject("period", period),
            before={"step": body.step, "is_done": before is not None and before.is_done},
            after={"step": body.step, "is_done": body.is_done},
            reason_text=body.note,
        )


async def record_kept(
    session: AsyncSession, results: Sequence[ImportedReference], operator: Actor, reason: str | None
) -> None:
    """As one reference alone is recorded: a row per invoice."""
    changes = [
        Change(
            Subject("invoice", each.given.invoice_id),
            before={"stripe_invoice_id": each.before, "stripe_invoice_url": each.before_url},
            after={
                "stripe_invoice_id": each.given.stripe_invoice_id,
                "stripe_invoice_url": each.given.stripe_invoice_url,
            },
        )
        for each in results
        if each.result is ReferenceResult.KEPT
    ]
    await audit.record_all(session, changes, actor=operator, action="keep_stripe_reference", reason_text=reason)


def _view(each: ImportedReference) -> ReferenceView:
    given = each.given
    return ReferenceView(
        invoice_id=given.invoice_id,
        stripe_invoice_id=given.stripe_invoice_id,
        stripe_invoice_url=given.stripe_invoice_url,
        result=each.result,
        account_name=each.account_name,
        total_cents=each.total_cents,
        before=each.before,
    )


ROUTES = (get_month, put_scope, post_mark, post_references)
