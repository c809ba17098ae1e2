"""Probes on the move, handlers that fail, and what the database says afterwards."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.replay import Replayer
from chassis.runtime import ConsumerRuntime
from contracts.envelope import Incoming
from tests.chassis import probe
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved
from tests.kit.records import KafkaRecord, record_of


def moves(
    probe_id: UUID | None = None, steps: range = range(1, 4), note: str = "", first_offset: int = 0
) -> list[KafkaRecord]:
    """Records of one probe, in order."""
    probe_id = probe_id or uuid4()
    return [
        record_of(ProbeMoved(probe_id=probe_id, step=step, note=note), offset=offset, version=step)
        for offset, step in enumerate(steps, first_offset)
    ]


def interleaved(*lanes: list[KafkaRecord]) -> list[KafkaRecord]:
    """As a partition holds them: turn by turn, offsets ascending."""
    mixed = [record for turn in zip(*lanes, strict=True) for record in turn]
    for offset, record in enumerate(mixed):
        record.offset = offset
    return mixed


async def rows(bench: Bench, query: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(bench.url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        return found
    finally:
        await connection.close()


async def parked(bench: Bench) -> list[tuple[str, str]]:
    found = await rows(bench, "SELECT state, reason_code FROM parked_events ORDER BY record_offset")
    return [(row["state"], row["reason_code"]) for row in found]


class Failing:
    """A handler that applies, except for what `fails` says; counts how often each note was tried."""

    def __init__(self, fails: Callable[[ProbeMoved, int], Exception | None]) -> None:
        self._fails = fails
        self.tries = 0

    async def __call__(self, session: AsyncSession, batch: list[Incoming[ProbeMoved]]) -> None:
        for incoming in batch:
            if incoming.event.note:
                self.tries += 1
                fault = self._fails(incoming.event, self.tries)
                if fault is not None:
                    raise fault
        await probe.apply(session, batch)


def set_up(bench: Bench, handler: probe.Handler = probe.apply) -> tuple[ConsumerRuntime, Replayer]:
    runtime = probe.runtime(bench.database, handler)
    return runtime, Replayer(bench.database, {runtime.name: runtime})


async def ids(bench: Bench) -> list[UUID]:
    return [row["id"] for row in await rows(bench, "SELECT id FROM parked_events ORDER BY record_offset")]
