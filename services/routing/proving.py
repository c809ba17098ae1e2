"""Each night a part of the day's decisions is made again: a decision that cannot be is a fault of ours, and told."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Gauge

from chassis.database import Database
from chassis.schedule import Job, daily
from services.routing.queries.replays import drawn, kept, prove

PROVE_AT = time(3, 30)
SAMPLE = 500
PORTION = 25
MISMATCHES = Gauge(
    "waybill_decision_replay_mismatches", "Decisions of the last day that came out otherwise when made again"
)

log = structlog.get_logger(__name__)


def prove_decisions(database: Database, zone: ZoneInfo) -> Job:
    async def run(due_at: datetime) -> None:
        MISMATCHES.set(await count_mismatches(database, due_at))

    return Job("prove-decisions", daily(PROVE_AT, zone), run)


async def count_mismatches(database: Database, now: datetime) -> int:
    """In portions, so that neither memory nor a connection is held for long."""
    async with database.reading() as session:
        those = await drawn(session, now - timedelta(days=1), now, SAMPLE)
    portions = [those[start : start + PORTION] for start in range(0, len(those), PORTION)]
    return sum([await _mismatches(database, portion) for portion in portions])


async def _mismatches(database: Database, decision_ids: Sequence[UUID]) -> int:
    async with database.reading() as session:
        proofs = await prove(session, await kept(session, decision_ids))
    differing = [proof for proof in proofs if not proof.replay.is_identical]
    for proof in differing:
        log.error("decision_replays_otherwise", decision_id=str(proof.decision_id), rule_set=proof.replay.rule_set)
    return len(differing)
