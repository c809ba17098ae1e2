"""What the inbox may forget goes, in portions; what positions do not stand for stays; nothing is applied again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from chassis import parking, retention
from chassis.ids import earliest_id, new_id
from chassis.records import decode
from chassis.replay import Replayer
from chassis.retention import InboxRetention
from tests.chassis import probe
from tests.chassis.arrangements import moves, rows
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=31)
MINE, COMPACTED = "waybill.probe.moves", "waybill.probe.states"


def ids_of(instant: datetime, number: int) -> list[UUID]:
    """As they are made then, ascending."""
    return [UUID(int=earliest_id(instant).int + place) for place in range(number)]


async def remember(bench: Bench, consumer: str, ids: list[UUID]) -> None:
    connection = await asyncpg.connect(bench.url)
    try:
        await connection.execute(
            "INSERT INTO inbox (event_id, consumer, received_at) SELECT id, $1, now() FROM unnest($2::uuid[]) AS id",
            *(consumer, ids),
        )
    finally:
        await connection.close()


async def remembered(bench: Bench) -> list[tuple[str, UUID]]:
    found = await rows(bench, "SELECT consumer, event_id FROM inbox ORDER BY consumer, event_id")
    return [(row["consumer"], row["event_id"]) for row in found]


class TestIds:
    def test_of_an_instant_are_not_before_its_earliest(self) -> None:
        before = earliest_id(datetime.now(UTC))
        made = new_id()
        assert before <= made < earliest_id(datetime.now(UTC) + timedelta(milliseconds=1))


class TestRetention:
    async def test_takes_what_is_older_of_those_with_positions_alone(self, bench: Bench) -> None:
        recent = ids_of(NOW - timedelta(days=29), 1)
        kept = ids_of(OLD, 2)
        await remember(bench, MINE, ids_of(OLD, 3) + recent)
        await remember(bench, COMPACTED, kept)
        await InboxRetention(bench.database, [MINE], days=30).run(NOW)
        assert await remembered(bench) == [(MINE, recent[0]), *((COMPACTED, id_) for id_ in kept)]

    async def test_goes_by_portions_until_nothing_old_is_left(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "PORTION", 3)
        await remember(bench, MINE, ids_of(OLD, 10))
        await remember(bench, COMPACTED, ids_of(OLD, 10))
        await InboxRetention(bench.database, [MINE, COMPACTED], days=30).run(NOW)
        assert await remembered(bench) == []

    async def test_leaves_the_rest_of_very_much_to_the_next_run(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "PORTION", 2)
        monkeypatch.setattr(retention, "PORTIONS", 2)
        old = ids_of(OLD, 7)
        await remember(bench, MINE, old)
        forgetting = InboxRetention(bench.database, [MINE], days=30)
        await forgetting.run(NOW)
        assert await remembered(bench) == [(MINE, id_) for id_ in old[4:]]
        await forgetting.run(NOW)
        assert await remembered(bench) == []

    async def test_walks_over_what_it_took_only_once(self, bench: Bench) -> None:
        """Index entries of deleted rows stay until vacuum: an hourly run must not read all of them again."""
        forgetting = InboxRetention(bench.database, [MINE], days=30)
        await remember(bench, MINE, ids_of(OLD, 5))
        await forgetting.run(NOW)
        early = ids_of(OLD - timedelta(days=1), 1)
        await remember(bench, MINE, early)
        await forgetting.run(NOW)
        assert await remembered(bench) == [(MINE, early[0])]
        await InboxRetention(bench.database, [MINE], days=30).run(NOW)
        assert await remembered(bench) == []

    async def test_keeps_what_a_parked_event_will_ask_about(self, bench: Bench) -> None:
        """A member that stood still parks what the next owner has applied; nobody may apply it a second time."""
        runtime, (record,) = probe.runtime(bench.database), moves(steps=range(1, 2))
        await runtime.process([record])
        late = decode(record, {ProbeMoved.type: object()}, 10_000)
        async with bench.database.transaction() as session:
            await parking.park(session, runtime.name, [parking.Parking(late, "handler_failed")])
        await InboxRetention(bench.database, [runtime.name], days=-1).run(NOW)
        assert len(await remembered(bench)) == 1
        assert await Replayer(bench.database, {runtime.name: runtime}).heal() == 1
        assert (await probe.verdict(bench.url))["applied"] == 1

    async def test_of_a_forgotten_event_a_duplicate_is_not_applied(self, bench: Bench) -> None:
        runtime, records = probe.runtime(bench.database), moves()
        await runtime.process(records)
        forgetting = InboxRetention(bench.database, [runtime.name], days=-1)
        await forgetting.run(NOW)
        assert await remembered(bench) == []
        await runtime.process(records)
        assert [row["step"] for row in await rows(bench, "SELECT step FROM effects ORDER BY id")] == [1, 2, 3]
        assert await rows(bench, "SELECT 1 FROM parked_events") == []
