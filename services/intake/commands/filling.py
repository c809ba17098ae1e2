"""Bringing in what leads of before an upgrade lack, beside the day's work: the newest first, a portion at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import structlog
from prometheus_client import Gauge
from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.clock import Clock
from chassis.database import Database
from services.intake.commands.judging import keep_keys
from services.intake.commands.searching import index_leads
from services.intake.domain import LeadStatus
from services.intake.domain.duplicates import FARTHEST_DAYS
from services.intake.models import Lead, LeadMatch, LeadSearch

log = structlog.get_logger(__name__)

AT_ONCE = 500
LOOKS_AGAIN_SECONDS = 3600.0
"""A process of the old version may go on for a while beside the new ones, and take leads in as it did."""
ANOTHERS_SECONDS = 60.0
"""Where another process fills: it may die."""

LEFT = Gauge("waybill_leads_to_fill", "Leads that lack what an upgrade brought, 0 when none does", ["fill"])


@dataclass(frozen=True, slots=True)
class Fill:
    """`lacks` says of a lead whether it lacks this, at an instant; `bring` brings it in for leads that did.

    By then a lead may have it, or be erased: `bring` locks them, and looks anew.
    """

    name: str
    lacks: Callable[[datetime], ColumnElement[bool]]
    bring: Callable[[AsyncSession, Sequence[UUID]], Awaitable[None]]


def _is_not_found_by_words(_now: datetime) -> ColumnElement[bool]:
    return ~select(LeadSearch.lead_id).where(LeadSearch.lead_id == Lead.id).exists()


def _finds_no_duplicates(now: datetime) -> ColumnElement[bool]:
    """What came longer ago is compared with nothing; what was not screened yet gets its keys then."""
    return and_(
        Lead.received_at > now - timedelta(days=FARTHEST_DAYS),
        Lead.erased_at.is_(None),
        Lead.status != LeadStatus.RECEIVED,
        ~select(LeadMatch.lead_id).where(LeadMatch.lead_id == Lead.id).exists(),
    )


def _is_not_found_by_its_family(_now: datetime) -> ColumnElement[bool]:
    """What was merged into a lead says something of it always, if only where it is."""
    merged = aliased(Lead)
    survivors = select(LeadSearch.lead_id).join(merged, merged.merged_into == LeadSearch.lead_id)
    return Lead.id.in_(survivors.where(LeadSearch.merged == ""))


FILLS = (
    Fill("search", _is_not_found_by_words, index_leads),
    Fill("match", _finds_no_duplicates, keep_keys),
    Fill("family", _is_not_found_by_its_family, index_leads),
)


@dataclass(slots=True)
class _Pass:
    """Through all leads once. An id tells when its lead came: `before` is how far it is."""

    left: int
    filled: int = 0
    before: UUID | None = None


class Filler:
    """A loop's work. What is filled is a matter of the tables alone: who dies leaves the rest to whoever looks next.

    With nothing left it rests, and counts again from time to time.
    """

    def __init__(self, database: Database, clock: Clock, fill: Fill) -> None:
        self._database = database
        self._clock = clock
        self._fill = fill
        self._pass: _Pass | None = None
        self._rests_until = 0.0

    async def step(self) -> bool:
        """A portion, where one is left and no other process is at it: whether there are more."""
        if monotonic() < self._rests_until:
            return False
        async with self._database.transaction() as session:
            if not await session.scalar(_TAKE_TURN, {"name": f"intake.fill.{self._fill.name}"}):
                return self._rest(ANOTHERS_SECONDS)
            under_way = self._pass or await self._begin(session)
            first, ids = await self._stretch(session, under_way) if under_way.left else (None, ())
            await self._fill.bring(session, ids)
        # Committed: only now is it behind us.
        return self._go_on(under_way, first, len(ids))

    async def _begin(self, session: AsyncSession) -> _Pass:
        lack = select(func.count()).select_from(Lead).where(self._fill.lacks(self._clock.now()))
        begun = _Pass(await session.scalar(lack) or 0)
        if begun.left:
            log.info("fill_begun", fill=self._fill.name, left=begun.left)
        return begun

    async def _stretch(self, session: AsyncSession, under_way: _Pass) -> tuple[UUID | None, Sequence[UUID]]:
        """The next leads by a range of the key, which costs the same wherever it is: its first, and those that lack."""
        before = under_way.before
        older = [Lead.id < before] if before else []
        edge = select(Lead.id).where(*older).order_by(Lead.id.desc()).offset(AT_ONCE - 1).limit(1)
        first = await session.scalar(edge)
        stretch = [*older, Lead.id >= first] if first else older
        lacking = select(Lead.id).where(*stretch, self._fill.lacks(self._clock.now())).order_by(Lead.id)
        return first, (await session.scalars(lacking)).all()

    def _go_on(self, under_way: _Pass, first: UUID | None, filled: int) -> bool:
        """Without a `first` there is nothing older."""
        under_way.left, under_way.filled = max(0, under_way.left - filled), under_way.filled + filled
        under_way.before = first
        is_over = first is None or not under_way.left
        self._pass = None if is_over else under_way
        LEFT.labels(self._fill.name).set(0 if is_over else under_way.left)
        if is_over and under_way.filled:
            log.info("fill_ended", fill=self._fill.name, filled=under_way.filled)
        return self._rest(LOOKS_AGAIN_SECONDS) if is_over else True

    def _rest(self, seconds: float) -> bool:
        self._rests_until = monotonic() + seconds
        return False


_TAKE_TURN = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


async def fill_all(database: Database, clock: Clock) -> None:
    """At once, until nothing is left."""
    for fill in FILLS:
        filler = Filler(database, clock, fill)
        while await filler.step():
            continue
