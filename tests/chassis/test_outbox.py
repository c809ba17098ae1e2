"""The outbox: an event is part of its transaction or it never was; ids order versions."""

import asyncio
import random
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis import outbox
from chassis.causation import Cause, caused_by
from chassis.outbox import EventTooLarge
from contracts.envelope import from_headers
from tests.chassis.arrangements import rows
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved


async def count(bench: Bench) -> int:
    return int((await rows(bench, "SELECT count(*) FROM outbox"))[0][0])


class TestAdd:
    async def test_is_published_by_the_commit_and_by_nothing_else(self, bench: Bench) -> None:
        async with bench.database.transaction() as session:
            outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1), version=1)
            assert await count(bench) == 0
        assert await count(bench) == 1

    async def test_is_forgotten_with_its_transaction(self, bench: Bench) -> None:
        with pytest.raises(ZeroDivisionError):
            async with bench.database.transaction() as session:
                outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1), version=1)
                raise ZeroDivisionError
        assert await count(bench) == 0

    async def test_never_outlives_a_commit_that_fails(self, bench: Bench) -> None:
        await _execute(
            bench,
            "CREATE TABLE limited (n int, CONSTRAINT one UNIQUE (n) DEFERRABLE INITIALLY DEFERRED);"
            "INSERT INTO limited VALUES (1)",
        )
        with pytest.raises(DBAPIError):
            async with bench.database.transaction() as session:
                await session.execute(text("INSERT INTO limited VALUES (1)"))
                outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1), version=1)
        assert await count(bench) == 0

    async def test_wakes_the_relay_after_a_commit_with_events_only(self, bench: Bench) -> None:
        woken: list[int] = []
        bench.database.on_commit = lambda: woken.append(1)
        async with bench.database.transaction() as session:
            await session.execute(text("SELECT 1"))
        assert woken == []
        async with bench.database.transaction() as session:
            outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1), version=1)
        assert woken == [1]

    async def test_says_why_it_happened(self, bench: Bench) -> None:
        cause = Cause("request-1", "event-0", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        with caused_by(cause):
            async with bench.database.transaction() as session:
                event_id = outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1), version=7)
        (row,) = await rows(bench, "SELECT headers FROM outbox")
        envelope = from_headers(outbox.unpack_headers(row["headers"]))
        assert (envelope.id, envelope.aggregate_version, envelope.source) == (event_id, 7, "/waybill/probe")
        assert (envelope.correlation_id, envelope.causation_id, envelope.traceparent) == (
            cause.correlation_id,
            cause.causation_id,
            cause.traceparent,
        )

    async def test_refuses_an_event_that_no_consumer_would_take(self, bench: Bench) -> None:
        with pytest.raises(EventTooLarge):
            async with bench.database.transaction() as session:
                outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1, note="x" * 600_000), version=1)

    async def test_is_refused_inside_a_savepoint(self, bench: Bench) -> None:
        async with bench.database.transaction() as session, session.begin_nested():
            with pytest.raises(RuntimeError, match="savepoint"):
                outbox.add(session, ProbeMoved(probe_id=uuid4(), step=1), version=1)


class TestOrder:
    async def test_sixty_four_concurrent_writers_lose_nothing_and_ids_ascend_with_versions(self, bench: Bench) -> None:
        await _execute(bench, "CREATE TABLE aggregates (id uuid PRIMARY KEY, version int NOT NULL DEFAULT 0)")
        ids = [uuid4() for _ in range(6)]
        async with bench.database.transaction() as session:
            await session.execute(text("INSERT INTO aggregates (id) SELECT unnest(CAST(:ids AS uuid[]))"), {"ids": ids})

        async def write(seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311
            for _ in range(5):
                await _bump(bench, chance.choice(ids), chance.random() * 0.01)

        await asyncio.gather(*(write(seed) for seed in range(64)))
        found = await rows(bench, "SELECT key, headers FROM outbox ORDER BY id")
        assert len(found) == 320
        versions: dict[bytes, list[int]] = {}
        for row in found:
            envelope = from_headers(outbox.unpack_headers(row["headers"]))
            versions.setdefault(row["key"], []).append(envelope.aggregate_version)
        assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values())


async def _bump(bench: Bench, aggregate_id: UUID, pause_seconds: float) -> None:
    async with bench.database.transaction() as session:
        version = await session.scalar(
            text("UPDATE aggregates SET version = version + 1 WHERE id = :id RETURNING version"), {"id": aggregate_id}
        )
        await asyncio.sleep(pause_seconds)
        outbox.add(session, ProbeMoved(probe_id=aggregate_id, step=version or 0), version=version or 0)


async def _execute(bench: Bench, script: str) -> None:
    connection = await asyncpg.connect(bench.owner_url)
    await connection.execute(script)
    await connection.close()
