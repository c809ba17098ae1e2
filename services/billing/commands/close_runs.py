"""Runs over a month: planned at once, worked off in portions that commit, each installer's outcome kept.

A portion and its results are one transaction: whoever dies over it leaves nothing of it, and the next one does it.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from chassis.telemetry.context import current_request_id
from contracts.books import MonthDrafted, MonthIssued
from services.billing.commands.drafts import GenerateDrafts, refuse_undraftable
from services.billing.domain.close_runs import Reason, RunKind, RunOutcome, RunState
from services.billing.domain.journal import CURRENCY
from services.billing.domain.periods import Period
from services.billing.errors import CloseRunIdTaken, DueBeforeIssue
from services.billing.models import CloseRun
from services.billing.queries import close_runs

LEASE = timedelta(seconds=30)
"""Longer than a portion takes: a second process that takes the same portion up waits for the first at its locks."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """All installers with something to do in the month, or the given ones of them. A dry one changes nothing.

    `due_at` is of all that is issued; without it each account's terms decide.
    """

    run_id: UUID
    kind: RunKind
    period: Period
    by: Actor
    installer_ids: Collection[UUID] | None = None
    is_dry: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one installer's month."""

    installer_id: UUID
    outcome: RunOutcome
    invoice_id: UUID | None = None
    number: str | None = None
    total_cents: int | None = None
    line_count: int | None = None
    reasons: tuple[Reason, ...] = ()


async def start_run(session: AsyncSession, command: StartRun, now: datetime) -> CloseRun:
    """Refused whole where the month cannot be closed; asked for twice by one id it is one run."""
    known = await session.get(CloseRun, command.run_id)
    if known is not None:
        return _same(known, command)
    if command.kind is RunKind.DRAFT:
        await refuse_undraftable(session, GenerateDrafts(command.period, command.installer_ids), now)
    if command.due_at is not None and command.due_at < now:
        raise DueBeforeIssue("an invoice is due after it is issued")
    statement = insert(CloseRun).values(_row(command, now)).on_conflict_do_nothing(index_elements=["id"])
    if await session.scalar(statement.returning(CloseRun.id)) is None:
        return _same(await close_runs.find(session, command.run_id), command)
    await session.execute(_PLANS[command.kind], _scope(command))
    run = await close_runs.lock(session, command.run_id)
    if not run.planned_count:
        await keep_results(session, run, (), now)
    return run


def _same(run: CloseRun, command: StartRun) -> CloseRun:
    asked = (command.kind, command.is_dry, command.period.name, command.due_at, _sorted(command.installer_ids))
    if (run.kind, run.is_dry, run.period, run.due_at, run.installer_ids) != asked:
        raise CloseRunIdTaken("the id is another run's", run_id=run.id)
    return run


def _row(command: StartRun, now: datetime) -> dict[str, object]:
    return {
        "id": command.run_id,
        "kind": command.kind,
        "is_dry": command.is_dry,
        "period": command.period.name,
        "period_start": command.period.start,
        "period_end": command.period.end,
        "installer_ids": _sorted(command.installer_ids),
        "due_at": command.due_at,
        "asked_by_id": command.by.id,
        "asked_by_name": command.by.name,
        "request_id": current_request_id(),
        "state": RunState.RUNNING,
        "planned_count": 0,
        "started_at": now,
    }


def _sorted(ids: Collection[UUID] | None) -> list[UUID] | None:
    return None if ids is None else sorted(set(ids))


def _scope(command: StartRun) -> dict[str, object]:
    return {
        "run_id": command.run_id,
        "period_start": command.period.start,
        "period_end": command.period.end,
        "installer_ids": _sorted(command.installer_ids),
    }


# What a draft holds already is written anew with what came late: both are lines to write.
_DRAFT_PLAN = """
    SELECT coalesce(delivered.installer_id, billed.account_id) AS installer_id,
           coalesce(delivered.number, 0) AS expected_count
    FROM (SELECT d.installer_id, count(*) AS number FROM delivery_events d
          WHERE d.delivered_at >= :period_start AND d.delivered_at < :period_end AND d.event_status = 'billable'
            AND (:installer_ids IS NULL OR d.installer_id = ANY(:installer_ids))
          GROUP BY d.installer_id) AS delivered
    FULL JOIN (SELECT account_id FROM invoices
               WHERE period_start = :period_start AND document_status <> 'void'
                 AND (:installer_ids IS NULL OR account_id = ANY(:installer_ids))) AS billed
        ON billed.account_id = delivered.installer_id
"""
_ISSUE_PLAN = """
    SELECT i.account_id AS installer_id, count(l.invoice_id) AS expected_count
    FROM invoices i LEFT JOIN invoice_lines l ON l.invoice_id = i.id
    WHERE i.period_start = :period_start AND i.period_end = :period_end AND i.document_status = 'draft'
      AND (:installer_ids IS NULL OR i.account_id = ANY(:installer_ids))
    GROUP BY i.account_id
"""


def _plan(of_kind: str) -> str:
    return f"""
    WITH plan AS ({of_kind}), planned AS (
        INSERT INTO close_results (run_id, installer_id, expected_count)
        SELECT :run_id, installer_id, expected_count FROM plan RETURNING installer_id
    )
    UPDATE close_runs SET planned_count = (SELECT count(*) FROM planned) WHERE id = :run_id
    """  # noqa: S608  # ours, above


_PLANS = {
    kind: text(_plan(of_kind)).bindparams(
        bindparam("run_id", type_=Uuid), bindparam("installer_ids", type_=ARRAY(Uuid))
    )
    for kind, of_kind in ((RunKind.DRAFT, _DRAFT_PLAN), (RunKind.ISSUE, _ISSUE_PLAN))
}


async def lease_run(session: AsyncSession, by: UUID, moment: datetime, run_id: UUID | None = None) -> CloseRun | None:
    """The oldest run that nobody else works on, or the given one: held until the lease ends, or a portion does.

    `moment` is the machine's time. Whom a portion failed has the run again at once.
    """
    free = CloseRun.leased_until.is_(None) | (CloseRun.leased_until < moment) | (CloseRun.leased_by == by)
    query = select(CloseRun).where(CloseRun.state == RunState.RUNNING, free)
    if run_id is not None:
        query = query.where(CloseRun.id == run_id)
    query = query.order_by(CloseRun.started_at, CloseRun.id).limit(1).with_for_update(skip_locked=True)
    run = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if run is not None:
        run.leased_by, run.leased_until = by, moment + LEASE
    return run


_SETTLE = text(
    """
    WITH settled AS (
        UPDATE close_results r
        SET outcome = given.outcome, invoice_id = given.invoice_id, number = given.number,
            total_cents = given.total_cents, line_count = given.line_count, reasons = CAST(given.reasons AS jsonb)
        FROM unnest(:installer_ids, :outcomes, :invoice_ids, :numbers, :totals_cents, :line_counts, :reasons)
             AS given (installer_id, outcome, invoice_id, number, total_cents, line_count, reasons)
        WHERE r.run_id = :run_id AND r.installer_id = given.installer_id AND r.outcome IS NULL
        RETURNING r.outcome, r.total_cents
    ), counted AS (
        SELECT count(*) FILTER (WHERE outcome = 'drafted') AS drafted,
               count(*) FILTER (WHERE outcome = 'redrafted') AS redrafted,
               count(*) FILTER (WHERE outcome = 'issued') AS issued,
               count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
               count(*) FILTER (WHERE outcome = 'blocked') AS blocked,
               count(*) FILTER (WHERE outcome = 'failed') AS failed,
               coalesce(sum(total_cents) FILTER (WHERE outcome IN ('drafted', 'redrafted', 'issued')), 0)::bigint
                   AS cents
        FROM settled
    )
    UPDATE close_runs
    SET drafted_count = drafted_count + counted.drafted, redrafted_count = redrafted_count + counted.redrafted,
        issued_count = issued_count + counted.issued, unchanged_count = unchanged_count + counted.unchanged,
        blocked_count = blocked_count + counted.blocked, failed_count = failed_count + counted.failed,
        total_cents = close_runs.total_cents + counted.cents, leased_by = NULL, leased_until = NULL
    FROM counted WHERE id = :run_id
    """
).bindparams(
    bindparam("run_id", type_=Uuid),
    *(bindparam(name, type_=ARRAY(Uuid)) for name in ("installer_ids", "invoice_ids")),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("outcomes", "numbers", "reasons")),
    *(bindparam(name, type_=ARRAY(BigInteger)) for name in ("totals_cents", "line_counts")),
)


async def keep_results(session: AsyncSession, run: CloseRun, results: Sequence[Result], now: datetime) -> None:
    """Ends a portion of a locked run, and the run with its last one; what has an outcome already keeps it.

    Two may have had the same portion in hand: who comes to it when the run is over has nothing to add.
    """
    if run.state is RunState.FINISHED:
        return
    given = {
        "run_id": run.id,
        "installer_ids": [each.installer_id for each in results],
        "outcomes": [str(each.outcome) for each in results],
        "invoice_ids": [each.invoice_id for each in results],
        "numbers": [each.number for each in results],
        "totals_cents": [each.total_cents for each in results],
        "line_counts": [each.line_count for each in results],
        "reasons": [json.dumps([asdict(reason) for reason in each.reasons]) for each in results],
    }
    await session.flush()
    await session.execute(_SETTLE, given)
    await session.refresh(run)
    if run.done_count == run.planned_count:
        run.state, run.finished_at = RunState.FINISHED, now
        if not run.is_dry:
            outbox.add(session, _finished_event(run, now), version=run.next_version())


def _finished_event(run: CloseRun, now: datetime) -> MonthDrafted | MonthIssued:
    facts = {name: getattr(run, name) for name in ("period", "failed_count", "total_cents", "asked_by_name")}
    facts |= {"subject_id": run.id, "currency": CURRENCY, "finished_at": now}
    event = MonthDrafted if run.kind is RunKind.DRAFT else MonthIssued
    return event.model_validate(facts | {name: getattr(run, name) for name in _COUNTED[run.kind]})


_COUNTED = {
    RunKind.DRAFT: ("drafted_count", "redrafted_count", "unchanged_count"),
    RunKind.ISSUE: ("issued_count", "blocked_count"),
}
