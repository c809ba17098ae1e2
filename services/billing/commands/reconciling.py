"""A run that holds our books against Stripe's: lists in portions that commit, then the comparison, in portions too.

A process that dies leaves its run where its last portion ended; whoever goes on lists the same page again, and what is
kept, posted or compared twice is the same as once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.ids import new_id
from contracts.books import ReconciliationFinished
from services.billing.commands.differences import compare
from services.billing.commands.journal import post
from services.billing.domain.journal import CURRENCY, Posting, PostingKind
from services.billing.domain.journal import stripe_fee_entries as fee_entries
from services.billing.domain.journal import stripe_moved_entries as moved_entries
from services.billing.domain.reconciliation import (
    COMPARED_SINCE,
    COVERED,
    LISTED,
    About,
    ItemKind,
    Report,
    RunMode,
    Stage,
    StripeItem,
    fee_of,
    to_bank_cents,
)
from services.billing.models import Reconciliation
from services.billing.queries import differences, journal, reconciliations
from services.billing.queries.differences import Comparison

LEASE = timedelta(seconds=30)
"""Longer than a page of Stripe's takes: a process that died leaves its run to the next one. Two that work on the same
page keep it once."""
LONGEST_WAIT = timedelta(minutes=15)
MOST_CHANGES = 1000
"""Differences that one transaction opens or closes: each has its event."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """`due_at` names the nightly run, which is started once; by hand there is none, and an operator asks."""

    by_name: str
    by_id: UUID | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TakeReport:
    report: Report
    items: Sequence[StripeItem]
    by_name: str
    by_id: UUID


@dataclass(frozen=True, slots=True)
class LeasedRun:
    """Where a run stood when it was taken: a portion is kept only if it stands there still."""

    id: UUID
    stage: Stage
    cursor: str | None
    since: datetime | None

    @property
    def kind(self) -> ItemKind | None:
        return LISTED.get(self.stage)


@dataclass(frozen=True, slots=True)
class Started:
    run: Reconciliation
    is_new: bool


async def start_run(session: AsyncSession, command: StartRun, now: datetime) -> Started | None:
    """One at a time asks Stripe: while one does, it is that one. None where the night's own was over before."""
    run_id = new_id()
    await session.execute(
        insert(Reconciliation)
        .values(
            id=run_id,
            mode=RunMode.ASKED,
            due_at=command.due_at,
            asked_by_id=command.by_id,
            asked_by_name=command.by_name,
            started_at=now,
            first_at=await _since(session, now),
            last_at=now,
            stage=Stage.INVOICES,
            next_attempt_at=now,
        )
        .on_conflict_do_nothing()
    )
    begun = await session.get(Reconciliation, run_id)
    going_on = begun or await reconciliations.asking(session)
    return Started(going_on, is_new=begun is not None) if going_on else None


async def _since(session: AsyncSession, now: datetime) -> datetime | None:
    """The first run lists all there is; a later one what is young, or not older than what is still open there."""
    if await reconciliations.last_finished(session, RunMode.ASKED) is None:
        return None
    young = now - COMPARED_SINCE
    return min(young, await differences.oldest_open_at(session) or young)


async def take_report(session: AsyncSession, command: TakeReport, now: datetime) -> Reconciliation:
    """What a person took from Stripe stands for Stripe's answer. Nothing is posted from it unasked."""
    await differences.keep_seen(session, command.items, now)
    instants = [item.occurred_at for item in command.items]
    run = Reconciliation(
        id=new_id(),
        mode=RunMode.UPLOADED,
        report=command.report,
        asked_by_id=command.by_id,
        asked_by_name=command.by_name,
        started_at=now,
        first_at=min(instants),
        last_at=max(instants),
        stage=Stage.COMPARING,
        next_attempt_at=now,
        item_count=len(command.items),
        opened_count=0,
        closed_count=0,
    )
    session.add(run)
    await session.flush()
    return run


async def lease_run(session: AsyncSession, now: datetime) -> LeasedRun | None:
    run = await reconciliations.lock_due(session, now)
    if run is None:
        return None
    run.attempts += 1
    run.next_attempt_at = now + LEASE
    return LeasedRun(run.id, run.stage, run.cursor, run.first_at)


async def keep_page(
    session: AsyncSession, leased: LeasedRun, items: Sequence[StripeItem], cursor: str | None, now: datetime
) -> None:
    """What Stripe said of a page. Its fees, and what went to the bank, are in the books with it."""
    run = await _still(session, leased)
    if run is None:
        return
    await differences.keep_seen(session, items, now)
    await post_movements(session, items, now)
    run.item_count += len(items)
    run.cursor = cursor
    _goes_on(run, run.stage if cursor else run.stage.next, now)


async def keep_balance(session: AsyncSession, leased: LeasedRun, cents: int, now: datetime) -> None:
    run = await _still(session, leased)
    if run is not None:
        run.theirs_balance_cents = cents
        _goes_on(run, run.stage.next, now)


async def compare_portion(session: AsyncSession, leased: LeasedRun, now: datetime) -> None:
    """So many differences at a time; once there are no more to open or to close, the run is finished."""
    run = await _still(session, leased)
    if run is None:
        return
    lower, upper = await reconciliations.covered(session, run)
    wanted = Comparison(_abouts(run), lower, upper, run.theirs_balance_cents)
    moved = await compare(session, wanted, now, MOST_CHANGES)
    run.opened_count += moved.opened_count
    run.closed_count += moved.closed_count
    if max(moved.opened_count, moved.closed_count) < MOST_CHANGES:
        await _finish(session, run, now)
    else:
        _goes_on(run, run.stage, now)


async def try_run_later(session: AsyncSession, leased: LeasedRun, detail: str, now: datetime) -> None:
    run = await _still(session, leased)
    if run is not None:
        run.detail = detail
        run.next_attempt_at = now + min(LONGEST_WAIT, timedelta(seconds=2 ** min(run.attempts, 10)))


async def post_movements(session: AsyncSession, items: Sequence[StripeItem], now: datetime) -> None:
    """Facts that Stripe alone knows: what it took, and what went to our bank or came from there. Each once."""
    await post(session, [posting for item in items for posting in postings_of(item)], now)


def postings_of(item: StripeItem) -> list[Posting]:
    if item.kind is not ItemKind.MOVEMENT or item.currency.upper() != CURRENCY:
        return []
    fee = Posting(f"stripe_fee:{item.stripe_id}", PostingKind.STRIPE_FEE, item.occurred_at, fee_entries(fee_of(item)))
    to_bank = moved_entries(to_bank_cents(item))
    moved = Posting(f"stripe_moved:{item.stripe_id}", PostingKind.STRIPE_MOVED, item.occurred_at, to_bank)
    return [fee, moved]


def _abouts(run: Reconciliation) -> Sequence[About]:
    return list(About) if run.report is None else COVERED[run.report]


async def _still(session: AsyncSession, leased: LeasedRun) -> Reconciliation | None:
    """None where another process has gone on with it."""
    run = await reconciliations.lock(session, leased.id)
    return run if (run.stage, run.cursor) == (leased.stage, leased.cursor) else None


def _goes_on(run: Reconciliation, stage: Stage, now: datetime) -> None:
    run.stage, run.attempts, run.detail, run.next_attempt_at = stage, 0, None, now


async def _finish(session: AsyncSession, run: Reconciliation, now: datetime) -> None:
    counts = await differences.open_counts(session)
    run.open_count = sum(each.count for each in counts)
    run.ours_balance_cents = await journal.clearing_cents(session)
    _goes_on(run, Stage.FINISHED, now)
    run.finished_at = now
    outbox.add(
        session,
        ReconciliationFinished(
            subject_id=run.id,
            opened=run.opened_count,
            open=run.open_count,
            closed=run.closed_count,
            finished_at=now,
        ),
        version=1,
    )
