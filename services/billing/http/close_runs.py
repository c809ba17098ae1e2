"""Runs over a month over HTTP: drafts and issues are asked for, worked off in portions, and looked at."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field
from sqlalchemy import Row

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Given, Operator, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.closing import CloseRunner
from services.billing.commands.close_runs import StartRun, start_run
from services.billing.commands.house import House
from services.billing.domain.close_runs import RunKind, RunOutcome, RunState
from services.billing.domain.periods import MONTH_PATTERN
from services.billing.domain.tax_invoice import Owner
from services.billing.http.exported import record_export
from services.billing.http.months import MonthBody
from services.billing.models import CloseResult, CloseRun
from services.billing.queries import close_runs
from services.billing.queries.close_runs import RunFilter

MONEY = Capability.MANAGE_BILLING_OPS
WAIT_SECONDS = 5.0
"""How long an answer waits for its run: most are through by then."""
MOST_SHOWN = 500
CSV_COLUMNS = (
    "installer_id",
    "installer",
    "outcome",
    "invoice_id",
    "number",
    "line_count",
    "total",
    "code",
    "detail",
    "owner",
    "cure",
)


class RunBody(MonthBody):
    """With `dry_run` the answer is the one that the run would give, and nothing is changed.

    With a `run_id`, sent twice it is one run.
    """

    dry_run: bool = False
    run_id: UUID | None = None


class IssueBody(RunBody):
    """Without `due_at` each account's terms decide. The references are those that the drafts keep.

    What is due is so until the last second of the business's day on which `due_at` falls.
    """

    due_at: AwareInstant | None = None


class ReasonView(BaseModel):
    """`owner` is who can cure it, `cure` how."""

    code: str
    detail: str
    owner: Owner
    cure: str


class ResultView(BaseModel):
    """One installer's outcome, null until its turn came; the others are not held up by one that failed.

    `code` and `detail` are those of the first of its `reasons`.
    """

    installer_id: UUID
    installer_name: str | None
    outcome: RunOutcome | None
    invoice_id: UUID | None
    number: str | None
    total_cents: int | None
    line_count: int | None
    code: str | None
    detail: str | None
    reasons: list[ReasonView]

    @classmethod
    def of(cls, row: Row[CloseResult, str | None]) -> Self:
        result, installer_name = row
        own = {name: getattr(result, name) for name in cls.model_fields if hasattr(result, name)}
        first: dict[str, Any] = next(iter(result.reasons), {})
        return cls(**own, installer_name=installer_name, code=first.get("code"), detail=first.get("detail"))


class RunView(BaseModel):
    """`total_cents` is of all that was drafted or issued, with GST; of a dry run, of all that would be."""

    run_id: UUID
    kind: RunKind
    dry_run: bool
    state: RunState
    period: str
    period_start: datetime
    period_end: datetime
    installer_ids: list[UUID] | None
    due_at: datetime | None
    asked_by_name: str
    planned_count: int
    done_count: int
    drafted_count: int
    redrafted_count: int
    issued_count: int
    unchanged_count: int
    blocked_count: int
    failed_count: int
    total_cents: int
    currency: str = "AUD"
    started_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, run: CloseRun) -> Self:
        return cls(**_shown(run))


def _shown(run: CloseRun) -> dict[str, Any]:
    own = {name: getattr(run, name) for name in RunView.model_fields if hasattr(run, name)}
    return own | {"run_id": run.id, "dry_run": run.is_dry}


class RunDetail(RunView):
    results: list[ResultView] = Field(
        [], description=f"the first {MOST_SHOWN}, those that failed or are blocked before the others"
    )


STILL_RUNNING = ResponseSpec(RunDetail, description="It goes on in the worker: look at the run again")


@post(
    "/admin/billing/generate-invoice-drafts",
    status_code=200,
    guards=[requires(MONEY)],
    responses={202: STILL_RUNNING},
)
async def generate_invoice_drafts(
    data: JSONBody[RunBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    closing: Given[CloseRunner],
    operator: Given[Operator],
) -> Response[RunDetail]:
    """Drafts a month that has ended. Run it again at will: what stands on an invoice is not drafted twice."""
    month = data.month(house.zone)
    command = StartRun(data.run_id or new_id(), RunKind.DRAFT, month, operator, data.installer_ids, is_dry=data.dry_run)
    return await _started(command, database, clock, closing)


@post(
    "/admin/billing/issue-invoices",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
    responses={202: STILL_RUNNING},
)
async def issue_invoices(
    data: JSONBody[IssueBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    closing: Given[CloseRunner],
    operator: Given[Operator],
) -> Response[RunDetail]:
    """Issues all drafts of a month that are ready, and names what is in the way of each of the others.

    With a Stripe key set, each reference is looked up, and totals must match to the cent.
    """
    month = data.month(house.zone)
    command = StartRun(
        data.run_id or new_id(),
        RunKind.ISSUE,
        month,
        operator,
        data.installer_ids,
        is_dry=data.dry_run,
        due_at=data.due_at,
    )
    return await _started(command, database, clock, closing)


@get("/admin/billing/close-runs", guards=[requires(Capability.READ_OPS)])
async def list_close_runs(
    database: Given[Database],
    page: Given[PageRequest],
    period: Annotated[
        str | None, QueryParameter(pattern=MONTH_PATTERN, max_length=7, description="a month as 2026-03")
    ] = None,
    kind: FromQuery[RunKind | None] = None,
    dry_run: Annotated[
        bool | None, QueryParameter(description="only those that change nothing, or only others")
    ] = None,
) -> Page[RunView]:
    """Runs over months, the latest first."""
    async with database.reading() as session:
        found = await close_runs.listed(session, page, RunFilter(period, kind, dry_run))
    return page.page(found, lambda run: (run.started_at, run.id), RunView.of)


@get("/admin/billing/close-runs/{run_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_close_run(run_id: FromPath[UUID], database: Given[Database]) -> RunDetail:
    """How far it is, and what came of whom."""
    return await run_detail(database, run_id)


@get("/admin/billing/close-runs/{run_id:uuid}/results", guards=[requires(Capability.READ_OPS)])
async def list_close_results(
    run_id: FromPath[UUID],
    database: Given[Database],
    page: Given[PageRequest],
    outcome: FromQuery[RunOutcome | None] = None,
) -> Page[ResultView]:
    """Each installer of a run, in the order of their ids."""
    async with database.reading() as session:
        run = await close_runs.find(session, run_id)
        found = await close_runs.results(session, run_id, page, outcome)
    return page.page(found, lambda row: (run.started_at, row[0].installer_id), ResultView.of)


@get(
    "/admin/billing/close-runs/{run_id:uuid}/results.csv",
    media_type="text/csv",
    guards=[requires(Capability.READ_OPS)],
)
async def get_close_results_csv(
    run_id: FromPath[UUID], database: Given[Database], operator: Given[Operator]
) -> Response[str]:
    """A row for each installer, amounts in dollars; of several reasons the first, with the details of all.

    The audit tells who took it along.
    """
    async with database.transaction() as session:
        run = await close_runs.find(session, run_id)
        await record_export(session, operator, "close_run", run_id, format="csv", period=run.period)
        rows = await close_runs.all_results(session, run_id)
    dry = "-dry" if run.is_dry else ""
    name = f"{run.kind}s-{run.period}{dry}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(results_csv(rows), media_type="text/csv", headers=headers)


async def _started(command: StartRun, database: Database, clock: Clock, closing: CloseRunner) -> Response[RunDetail]:
    async with database.transaction() as session:
        await start_run(session, command, clock.now())
    await closing.run_for(command.run_id, WAIT_SECONDS)
    detail = await run_detail(database, command.run_id)
    return Response(detail, status_code=202 if detail.state is RunState.RUNNING else 200)


async def run_detail(database: Database, run_id: UUID) -> RunDetail:
    async with database.reading() as session:
        run = await close_runs.find(session, run_id)
        results = await close_runs.first_results(session, run_id, MOST_SHOWN)
        return RunDetail(**_shown(run), results=[ResultView.of(row) for row in results])


def results_csv(rows: Sequence[Row[CloseResult, str | None]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for result, installer_name in rows:
        reason: dict[str, str] = next(iter(result.reasons), {})
        name = installer_name or ""
        writer.writerow(
            [
                result.installer_id,
                # A spreadsheet would run a cell that begins like a formula.
                f"'{name}" if name[:1] in {"=", "+", "-", "@", "\t"} else name,
                result.outcome or "",
                result.invoice_id or "",
                result.number or "",
                "" if result.line_count is None else result.line_count,
                "" if result.total_cents is None else f"{result.total_cents // 100}.{result.total_cents % 100:02}",
                reason.get("code", ""),
                "; ".join(each["detail"] for each in result.reasons),
                reason.get("owner", ""),
                reason.get("cure", ""),
            ]
        )
    return text.getvalue()


ROUTES = (
    generate_invoice_drafts,
    issue_invoices,
    list_close_runs,
    get_close_run,
    list_close_results,
    get_close_results_csv,
)
