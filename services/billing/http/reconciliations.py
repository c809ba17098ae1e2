"""Holding our books against Stripe's over HTTP: runs, uploads of its reports, reviews, and how the two stand."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import FieldError
from chassis.http import Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.reconciling import StartRun, TakeReport, start_run, take_report
from services.billing.commands.reviews import Review, review_last
from services.billing.domain.reconciliation import COVERED, About, DifferenceKind, Report, RunMode, Stage
from services.billing.domain.stripe_reports import read_report
from services.billing.errors import ReconciliationNotFound, ReportMalformed, StripeNotConnected
from services.billing.http.fields import Note
from services.billing.models import Reconciliation
from services.billing.queries import differences, journal, reconciliations
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS
PATH = "/admin/billing/reconciliations"
LARGEST_REPORT_BYTES = 12 * 1024 * 1024
LONGEST_REPORT = 8_000_000


class ReconciliationView(BaseModel):
    """`stage` is how far it has come; counts of differences are as they stood at its end.

    `first_at` to `last_at` is what of Stripe's it covers; without a first there is no beginning.
    """

    id: UUID
    mode: RunMode
    report: Report | None
    asked_by_name: str
    started_at: datetime
    first_at: datetime | None
    last_at: datetime
    stage: Stage
    detail: str | None
    item_count: int
    opened_count: int
    closed_count: int
    open_count: int
    ours_balance_cents: int | None
    theirs_balance_cents: int | None
    finished_at: datetime | None


class ReportBody(Body):
    """`csv` as Stripe's dashboard exports it: the itemised balance, or the invoices. Amounts are in dollars there."""

    report: Report
    csv: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REPORT)]


class ReviewBody(Body):
    note: Note | None = None


class ReviewView(BaseModel):
    """`open_count` differences were open when they were looked at, `owner_missing_count` of them nobody's."""

    id: UUID
    reconciliation_id: UUID
    open_count: int
    owner_missing_count: int
    note: str | None
    reviewed_by_name: str
    reviewed_at: datetime


class OpenDifferences(BaseModel):
    kind: DifferenceKind
    count: int
    oldest_at: datetime
    unowned_count: int


class StripeStanding(BaseModel):
    """What the clearing account says that Stripe keeps for us, beside what Stripe last said itself.

    `not_compared` is what nobody can hold against Stripe as things are; `review_due_at` is null where it is due now.
    """

    is_connected: bool
    ours_balance_cents: int
    theirs_balance_cents: int | None = Field(description="null where Stripe was not asked")
    difference_cents: int | None
    compared_at: datetime | None
    open_differences: list[OpenDifferences]
    not_compared: list[About]
    reviewed_at: datetime | None
    reviewed_by_name: str | None
    review_due_at: datetime | None
    is_review_overdue: bool


@post(PATH, status_code=202, guards=[requires(MONEY)])
async def post_reconciliation(
    database: Given[Database], clock: Given[Clock], gateway: Given[StripeGateway | None], operator: Given[Operator]
) -> ReconciliationView:
    """Begins to ask Stripe for all that is compared; a worker goes on with it. One runs at a time: it is that one."""
    if gateway is None:
        raise StripeNotConnected("set STRIPE_API_KEY, or upload a report of Stripe's")
    async with database.transaction() as session:
        started = await start_run(session, StartRun(operator.name, operator.id), clock.now())
        # What asked Stripe a moment ago, and ended meanwhile, is as good as a new one.
        run = ReconciliationNotFound.unless(
            started.run if started else await reconciliations.last_finished(session), "nothing was begun: try again"
        )
        if started and started.is_new:
            await audit.record(
                session, actor=operator, action="start_reconciliation", subject=Subject("reconciliation", run.id)
            )
        return ReconciliationView.model_validate(run, from_attributes=True)


@post(PATH + "/uploads", guards=[requires(MONEY)], request_max_body_size=LARGEST_REPORT_BYTES)
async def post_report(
    data: JSONBody[ReportBody], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> Response[ReconciliationView]:
    """Compares with a report that was taken from Stripe: the only way without a key. Nothing is posted from it unasked.

    A report with a fault in any row is refused whole, each fault with its line.
    """
    read = read_report(data.report, data.csv)
    if read.faults:
        faults = tuple(FieldError("csv", "row_malformed", f"Line {each.line}: {each.what}") for each in read.faults)
        raise ReportMalformed(f"{len(faults)} of its lines cannot be read", errors=faults)
    command = TakeReport(data.report, read.items, operator.name, operator.id)
    async with database.transaction() as session:
        run = await take_report(session, command, clock.now())
        await audit.record(
            session,
            actor=operator,
            action="upload_stripe_report",
            subject=Subject("reconciliation", run.id),
            after={"report": data.report, "items": len(read.items)},
        )
        return Response(ReconciliationView.model_validate(run, from_attributes=True))


@get(PATH, guards=[requires(Capability.READ_OPS)])
async def list_reconciliations(database: Given[Database], page: Given[PageRequest]) -> Page[ReconciliationView]:
    """The latest first."""
    async with database.reading() as session:
        found = await reconciliations.listed(session, page)
    return page.page(
        found,
        lambda row: (row.started_at, row.id),
        lambda row: ReconciliationView.model_validate(row, from_attributes=True),
    )


@get(PATH + "/{reconciliation_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_reconciliation(reconciliation_id: FromPath[UUID], database: Given[Database]) -> ReconciliationView:
    async with database.reading() as session:
        run = await reconciliations.find(session, reconciliation_id)
        return ReconciliationView.model_validate(run, from_attributes=True)


@post(PATH + "/reviews", guards=[requires(MONEY)])
async def post_review(
    data: JSONBody[ReviewBody], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> Response[ReviewView]:
    """Says that what the last comparison left open was looked at: once a week, by who reconciles."""
    async with database.transaction() as session:
        review = await review_last(session, Review(operator.id, operator.name, data.note), clock.now())
        await session.flush()
        await audit.record(
            session,
            actor=operator,
            action="review_reconciliation",
            subject=Subject("reconciliation", review.reconciliation_id),
            after={"open_count": review.open_count, "owner_missing_count": review.owner_missing_count},
            reason_text=data.note,
        )
        return Response(ReviewView.model_validate(review, from_attributes=True))


@get("/admin/billing/stripe-standing", guards=[requires(Capability.READ_OPS)])
async def get_stripe_standing(
    database: Given[Database], clock: Given[Clock], gateway: Given[StripeGateway | None]
) -> StripeStanding:
    """Whether the ledger is Stripe's to the cent, what is open, and when it was last looked at."""
    async with database.reading() as session:
        return await standing(session, clock.now(), is_connected=gateway is not None)


async def standing(session: AsyncSession, now: datetime, *, is_connected: bool) -> StripeStanding:
    asked = await reconciliations.last_finished(session, RunMode.ASKED)
    last: Reconciliation | None = await reconciliations.last_finished(session)
    cadence = await reconciliations.cadence(session)
    ours = await journal.clearing_cents(session)
    theirs = asked.theirs_balance_cents if asked else None
    counts = await differences.open_counts(session)
    return StripeStanding(
        is_connected=is_connected,
        ours_balance_cents=ours,
        theirs_balance_cents=theirs,
        difference_cents=None if theirs is None else ours - theirs,
        compared_at=last.finished_at if last else None,
        open_differences=[OpenDifferences.model_validate(each, from_attributes=True) for each in counts],
        not_compared=await _not_compared(session, is_connected=is_connected),
        reviewed_at=cadence.last_at,
        reviewed_by_name=cadence.last_by,
        review_due_at=cadence.due_at,
        is_review_overdue=cadence.is_overdue(now),
    )


async def _not_compared(session: AsyncSession, *, is_connected: bool) -> list[About]:
    """Without a key: what no report was uploaded for, and what no report tells of."""
    if is_connected:
        return []
    uploaded = await reconciliations.last_uploads(session)
    covered = {about for report in uploaded for about in COVERED[report]}
    return [about for about in About if about not in covered]


ROUTES = (
    post_reconciliation,
    post_report,
    list_reconciliations,
    get_reconciliation,
    post_review,
    get_stripe_standing,
)
