"""The pending set: nothing is passed over, and neither dead rows nor their space stay in the way."""

import json
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from chassis.outbox import SEGMENT_ROWS, SEGMENTS, segment_of
from chassis.pending import READ, READ_BYTES, PendingSet, Shard
from chassis.publishing import PendingRow
from tests.chassis.conftest import Bench

INSERT = """
    INSERT INTO outbox SELECT id, outbox_segment(id), 0, gen_random_uuid(), 'a.topic', 'key', ''::bytea, 'body', now()
    FROM (SELECT nextval('outbox_ids') AS id FROM generate_series(1, $1)) AS drawn
"""


@pytest.fixture
async def pending(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PendingSet]:
    """Looks at writers and segments each time it is asked, not only now and then."""
    monkeypatch.setattr("chassis.pending.FLOOR_SECONDS", 0)
    monkeypatch.setattr("chassis.pending.RECLAIM_SECONDS", 0)
    opened = await PendingSet.open(bench.url, Shard(0, 1))
    yield opened
    await opened.close()


@pytest.fixture
async def writer(bench: Bench) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(bench.url)
    yield connection
    await connection.close()


async def take_all(pending: PendingSet) -> list[int]:
    """Reads and deletes until nothing is left; what came, in its order."""
    taken: list[int] = []
    while rows := await pending.read(1_000, []):
        await pending.delete(rows)
        taken += [row[0] for row in rows]
    return taken


def ids(rows: Sequence[PendingRow]) -> list[int]:
    return [row[0] for row in rows]


class TestSegments:
    async def test_are_the_same_in_python_and_in_the_database(self, writer: asyncpg.Connection) -> None:
        for id_ in (1, SEGMENT_ROWS - 1, SEGMENT_ROWS, SEGMENT_ROWS * SEGMENTS, SEGMENT_ROWS * SEGMENTS * 5 + 3):
            assert await writer.fetchval("SELECT outbox_segment($1)", id_) == segment_of(id_)


class TestReading:
    async def test_leaves_out_what_is_in_flight(self, pending: PendingSet, writer: asyncpg.Connection) -> None:
        await writer.execute(INSERT, 5)
        first = ids(await pending.read(2, set()))
        assert ids(await pending.read(10, set(first))) == [first[-1] + 1, first[-1] + 2, first[-1] + 3]

    async def test_ends_before_its_limit_where_bodies_are_large(
        self, pending: PendingSet, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chassis.pending.READ_BYTES", len("body") * 3)
        await writer.execute(INSERT, 7)
        assert len(await pending.read(10, [])) == 3

    async def test_takes_the_first_row_whatever_its_size(
        self, pending: PendingSet, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chassis.pending.READ_BYTES", 1)
        await writer.execute(INSERT, 2)
        assert len(await take_all(pending)) == 2

    async def test_finds_a_row_that_became_visible_after_later_ones_were_taken(
        self, bench: Bench, pending: PendingSet, writer: asyncpg.Connection
    ) -> None:
        late = await asyncpg.connect(bench.url)
        transaction = late.transaction()
        await transaction.start()
        await late.execute(INSERT, 3)
        await writer.execute(INSERT, 10)
        assert len(await take_all(pending)) == 10
        # Many looks at the writers in between: the open one holds the floor below its rows.
        assert [await pending.read(10, []) for _ in range(5)] == [[]] * 5
        await transaction.commit()
        await late.close()
        assert len(await take_all(pending)) == 3

    async def test_finds_what_a_replay_has_put_back_under_an_old_id(
        self, pending: PendingSet, writer: asyncpg.Connection
    ) -> None:
        await writer.execute(INSERT, 10)
        (old, *_) = await take_all(pending)
        await writer.execute(INSERT, 1)
        assert len(await take_all(pending)) == 1
        await writer.execute(INSERT, 1)
        await writer.execute(
            """
            INSERT INTO outbox VALUES ($1, $2, 0, gen_random_uuid(), 'a.topic', 'key', '', 'body', now())
            """,
            old,
            SEGMENTS,
        )
        assert await take_all(pending) == [old, old + 11]

    async def test_does_not_walk_over_the_dead_rows_that_an_open_snapshot_keeps(
        self, bench: Bench, pending: PendingSet, writer: asyncpg.Connection
    ) -> None:
        reader = await asyncpg.connect(bench.url)
        async with reader.transaction(isolation="repeatable_read"):
            await reader.fetchval("SELECT count(*) FROM outbox")
            await writer.execute(INSERT, 10_000)
            assert len(await take_all(pending)) == 10_000
            await writer.execute(INSERT, 1)
            for _ in range(3):
                await pending.read(10, [])
            # Ten thousand dead rows lie on more than a hundred pages.
            assert await _pages_read(pending) < 40
        await reader.close()


class TestReclaiming:
    async def test_returns_the_space_of_segments_that_all_have_left_whatever_snapshot_is_open(
        self, bench: Bench, pending: PendingSet, writer: asyncpg.Connection
    ) -> None:
        reader = await asyncpg.connect(bench.url)
        async with reader.transaction(isolation="repeatable_read"):
            await reader.fetchval("SELECT 1")
            await writer.execute(INSERT, SEGMENT_ROWS * 3)
            assert len(await take_all(pending)) == SEGMENT_ROWS * 3
            await pending.reclaim()
            assert await _segments_with_space(writer) == {segment_of(SEGMENT_ROWS * 3)}
        await reader.close()

    async def test_looks_again_after_a_segments_worth_of_deletions_however_soon_that_is(
        self, pending: PendingSet, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chassis.pending.RECLAIM_SECONDS", 3_600)
        await writer.execute(INSERT, SEGMENT_ROWS)
        await pending.reclaim()
        first = await pending.read(10, [])
        await pending.delete(first)
        await pending.reclaim()
        assert 0 in await _segments_with_space(writer)
        await take_all(pending)
        await pending.reclaim()
        assert 0 not in await _segments_with_space(writer)

    async def test_passes_by_a_segment_in_which_somebody_writes(
        self, bench: Bench, pending: PendingSet, writer: asyncpg.Connection
    ) -> None:
        late = await asyncpg.connect(bench.url)
        transaction = late.transaction()
        await transaction.start()
        await late.execute(INSERT, 1)
        await writer.execute(INSERT, SEGMENT_ROWS * 2)
        assert len(await take_all(pending)) == SEGMENT_ROWS * 2
        await pending.reclaim()
        assert 0 in await _segments_with_space(writer)
        await transaction.commit()
        await late.close()
        assert len(await take_all(pending)) == 1
        await pending.reclaim()
        assert await _segments_with_space(writer) == {segment_of(SEGMENT_ROWS * 2 + 1)}

    async def test_leaves_a_segment_that_holds_a_row(self, pending: PendingSet, writer: asyncpg.Connection) -> None:
        await writer.execute(INSERT, SEGMENT_ROWS * 2)
        await pending.reclaim()
        assert await writer.fetchval("SELECT count(*) FROM outbox") == SEGMENT_ROWS * 2


async def _segments_with_space(connection: asyncpg.Connection) -> set[int]:
    sizes = [await connection.fetchval(f"SELECT pg_relation_size('outbox_{number}')") for number in range(SEGMENTS)]
    return {number for number, size in enumerate(sizes) if size}


async def _pages_read(pending: PendingSet) -> int:
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {READ}"
    plan = await pending.reader.fetchval(explain, 1, 0, 10, pending.floor, [], READ_BYTES)
    return int(json.loads(plan)[0]["Plan"]["Shared Hit Blocks"])
