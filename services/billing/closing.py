"""Working runs over a month off: a portion at a time, at once for who waits, and in the worker for what is left.

Stripe is asked with no transaction open. A dry run does all that a real one does, and takes it back.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Change, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.errors import Refusal
from chassis.faults import is_passing, is_too_slow
from chassis.ids import new_id
from chassis.telemetry.context import RequestContext, answering
from services.billing.commands.adjusting import Decider
from services.billing.commands.close_runs import Result, keep_results, lease_run
from services.billing.commands.drafts import DraftResult, GenerateDrafts, generate_drafts
from services.billing.commands.house import House
from services.billing.commands.month_issue import IssuePortion, Lookups, issue_portion
from services.billing.comparing import lines_at_stripe
from services.billing.domain.close_runs import FAULT, RunKind, RunOutcome, RunState, reason_of
from services.billing.domain.issuing import StripeFacts
from services.billing.domain.periods import Period
from services.billing.domain.statuses import InvoiceStatus
from services.billing.domain.stripe_lines import told_briefly
from services.billing.errors import MonthHasHeldDeliveries, StripeAway
from services.billing.models import CloseRun, Invoice
from services.billing.queries import close_runs
from services.billing.settling import look_up
from services.billing.stripe_gateway import StripeGateway

log = structlog.get_logger(__name__)

MOST_INSTALLERS = 500
MOST_LINES = 20_000
MOST_LOOKUPS = 50
"""Of a portion whose references are looked up: they are asked for a few at a time."""
LOOKUPS_AT_ONCE = 5
LOOK_AGAIN_SECONDS = 0.1


class CloseRunner:
    """A loop calls `step`; several processes may, and requests beside them."""

    def __init__(self, database: Database, clock: Clock, house: House, gateway: StripeGateway | None) -> None:
        self._database, self._clock = database, clock
        self._house, self._gateway = house, gateway
        self._id = new_id()

    async def step(self) -> bool:
        """A portion of the oldest run that nobody works on; whether there was any."""
        return await self._work_on(None)

    async def run_for(self, run_id: UUID, seconds: float) -> None:
        """For who waits: most runs are through within a second, whoever works on them."""
        ends = monotonic() + seconds
        try:
            while monotonic() < ends and (await self._work_on(run_id) or await self._is_under_way(run_id)):
                continue
        except Exception as fault:
            # The run stands: the worker goes on with it.
            if not is_passing(fault):
                raise
            log.warning("close_run_left_to_the_worker", run_id=str(run_id), fault=type(fault).__name__)

    async def _is_under_way(self, run_id: UUID) -> bool:
        """Another process has it; a moment later it may be over."""
        async with self._database.reading() as session:
            run = await close_runs.find(session, run_id)
        if run.state is RunState.FINISHED:
            return False
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return True

    async def _work_on(self, run_id: UUID | None) -> bool:
        async with self._database.transaction() as session:
            run = await lease_run(session, self._id, datetime.now(UTC), run_id)
            if run is None:
                return False
            asks = run.kind is RunKind.ISSUE and self._gateway is not None
            most = MOST_LOOKUPS if asks else MOST_INSTALLERS
            ids = await close_runs.next_portion(session, run.id, most, MOST_LINES)
        with answering(RequestContext(run.request_id or str(run.id), str(run.id), str(run.asked_by_id))):
            await self._do(run, ids)
        return True

    async def _do(self, run: CloseRun, ids: Sequence[UUID]) -> None:
        """Whom a fault of ours meets, or who takes too long, is found by halves: nobody else fails with them."""
        lookups = await self._look_up(run, ids)
        try:
            await self._portion(run, ids, lookups)
        except Refusal as refused:
            named = refused.installer_ids if isinstance(refused, MonthHasHeldDeliveries) else frozenset(ids)
            await self._fail(run, sorted(named), refused)
            left = [id_ for id_ in ids if id_ not in named]
            if left:
                await self._do(run, left)
        except Exception as fault:
            # What takes too long would do so again: half of it takes less.
            if is_passing(fault) and not is_too_slow(fault):
                raise
            log.exception("close_portion_failed", run_id=str(run.id), count=len(ids), fault=type(fault).__name__)
            if len(ids) == 1:
                await self._fail(run, ids, None)
                return
            half = len(ids) // 2
            await self._do(run, ids[:half])
            await self._do(run, ids[half:])

    async def _portion(self, run: CloseRun, ids: Sequence[UUID], lookups: Lookups | None) -> None:
        if run.is_dry:
            async with self._database.reading() as session:
                results = await self._results(session, run, ids, lookups)
                # What a commit would prove.
                await session.flush()
                await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            await self._keep(run.id, [_supposed(each) for each in results])
            return
        async with self._database.transaction() as session:
            run = await close_runs.lock(session, run.id)
            ids = await close_runs.pending(session, run.id, ids)
            results = await self._results(session, run, ids, lookups)
            await _audit(session, run, results)
            await keep_results(session, run, results, self._clock.now())

    async def _results(
        self, session: AsyncSession, run: CloseRun, ids: Sequence[UUID], lookups: Lookups | None
    ) -> list[Result]:
        now = self._clock.now()
        if not ids:
            return []
        if run.kind is RunKind.ISSUE:
            return await issue_portion(session, IssuePortion(run, ids, lookups), self._house, now)
        period = Period(run.period, run.period_start, run.period_end)
        drafted = await generate_drafts(session, GenerateDrafts(period, ids), now)
        found = {each.installer_id: _drafted(each) for each in drafted}
        # Whose deliveries were all voided since the run began, and who has no invoice.
        return [found.get(id_) or Result(id_, RunOutcome.UNCHANGED) for id_ in ids]

    async def _fail(self, run: CloseRun, ids: Sequence[UUID], refused: Refusal | None) -> None:
        reason = reason_of(refused.code, refused.detail) if refused else FAULT
        await self._keep(run.id, [Result(id_, RunOutcome.FAILED, reasons=(reason,)) for id_ in ids])

    async def _keep(self, run_id: UUID, results: Sequence[Result]) -> None:
        async with self._database.transaction() as session:
            run = await close_runs.lock(session, run_id)
            await keep_results(session, run, results, self._clock.now())

    async def _look_up(self, run: CloseRun, ids: Collection[UUID]) -> Lookups | None:
        gateway = self._gateway
        if run.kind is not RunKind.ISSUE or gateway is None:
            return None
        async with self._database.reading() as session:
            found = await close_runs.invoices_of(session, run, ids)
        drafts = [row for row in found if row.stripe_invoice_id]
        gate = asyncio.Semaphore(LOOKUPS_AT_ONCE)
        answers = await asyncio.gather(*(self._ask(draft, gateway, gate) for draft in drafts))
        by_reference = {draft.stripe_invoice_id: answer for draft, answer in zip(drafts, answers, strict=True)}
        facts = {reference: answer[0] for reference, answer in by_reference.items() if answer[0]}
        return Lookups(facts, {reference: lines for reference, (_, lines) in by_reference.items() if lines})

    async def _ask(
        self, draft: Row[Any], gateway: StripeGateway, gate: asyncio.Semaphore
    ) -> tuple[StripeFacts | StripeAway | None, Sequence[str]]:
        """What Stripe says of its reference, and by which lines the totals differ."""
        async with gate:
            try:
                facts = await look_up(gateway, draft.stripe_invoice_id)
            except StripeAway as away:
                return away, ()
            if facts is None or not facts.found or facts.total_cents == draft.total_cents:
                return facts, ()
            lines = await lines_at_stripe(self._database, gateway, draft.id, draft.stripe_invoice_id)
            return facts, told_briefly(lines)


def _drafted(result: DraftResult) -> Result:
    reasons = (reason_of(result.code, result.detail or ""),) if result.code else ()
    return Result(
        installer_id=result.installer_id,
        outcome=RunOutcome(result.outcome),
        invoice_id=result.invoice_id,
        total_cents=result.total_cents,
        line_count=result.line_count,
        reasons=reasons,
    )


def _supposed(result: Result) -> Result:
    """Of what a dry run took back: an invoice that is not there has no id, and a number that nobody has is none."""
    is_there = result.outcome is not RunOutcome.DRAFTED
    return Result(
        installer_id=result.installer_id,
        outcome=result.outcome,
        invoice_id=result.invoice_id if is_there else None,
        number=result.number if not result.outcome.is_written else None,
        total_cents=result.total_cents,
        line_count=result.line_count,
        reasons=result.reasons,
    )


async def _audit(session: AsyncSession, run: CloseRun, results: Sequence[Result]) -> None:
    """A row for a portion of drafts, a row for each invoice that is issued; what changed nothing leaves none."""
    by, written = Decider(run.asked_by_id, run.asked_by_name), [each for each in results if each.outcome.is_written]
    if run.kind is RunKind.ISSUE:
        issued = await session.scalars(select(Invoice).where(Invoice.id.in_([each.invoice_id for each in written])))
        await audit.record_all(session, [_issued(run, each) for each in issued], actor=by, action="issue_invoice")
    elif written:
        await audit.record(
            session,
            actor=by,
            action="generate_invoice_drafts",
            subject=Subject("period", run.period),
            after={"run_id": run.id, "invoices": [each.invoice_id for each in written]},
        )


def _issued(run: CloseRun, invoice: Invoice) -> Change:
    facts = {name: getattr(invoice, name) for name in ("status", "number", "stripe_invoice_id", "due_at")}
    return Change(Subject("invoice", invoice.id), {"status": InvoiceStatus.DRAFT}, facts | {"run_id": run.id})
