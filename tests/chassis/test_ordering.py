"""Versions of an aggregate are applied without a gap: what comes too early waits, and goes by itself."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis import parking
from chassis.ordering import sort
from chassis.parking import BEHIND, VERSION_GAP, VERSION_PASSED
from chassis.positions import Position
from chassis.records import Arrival, decode
from chassis.replay import ReplayFailed
from contracts.topics import Topic
from tests.chassis import probe
from tests.chassis.arrangements import ids, moves, parked, rows, set_up
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved

PROBE = uuid4()
KEY = str(PROBE).encode()


def arrivals(*versions: int, probe_id: UUID = PROBE) -> list[Arrival]:
    records = [moves(probe_id, range(version, version + 1))[0] for version in versions]
    return [decode(record, {ProbeMoved.type: object()}, 10_000) for record in records]


def versions_of(flowing: list[Arrival]) -> list[int]:
    return [arrival.envelope.aggregate_version for arrival in flowing if arrival.envelope]


@pytest.mark.usefixtures("_probe_is_an_event")
class TestSort:
    @pytest.mark.parametrize(
        ("position", "came", "flows", "held", "reached"),
        [
            pytest.param(None, (1, 2, 3), [1, 2, 3], [], (1, 3), id="from the first"),
            pytest.param(None, (7, 8), [7, 8], [], (7, 8), id="from the middle of its life"),
            pytest.param((1, 2), (3, 4), [3, 4], [], (1, 4), id="the next ones"),
            pytest.param((1, 2), (4, 5), [], [VERSION_GAP] * 2, None, id="one is missing"),
            pytest.param((1, 2), (4, 3, 5), [3], [VERSION_GAP] * 2, (1, 3), id="the missing one comes late"),
            pytest.param((1, 5), (3, 4, 5, 6), [6], [], (1, 6), id="some were settled long ago"),
            pytest.param((4, 5), (2,), [], [VERSION_PASSED], None, id="from before it met the aggregate"),
        ],
    )
    def test_lets_the_next_version_go_on(
        self,
        position: tuple[int, int] | None,
        came: tuple[int, ...],
        flows: list[int],
        held: list[str],
        reached: tuple[int, int] | None,
    ) -> None:
        positions = {KEY: Position(*position)} if position else {}
        sorting = sort(arrivals(*came), {}, positions)
        assert versions_of(sorting.flowing) == flows
        assert [waiting.reason_code for waiting in sorting.held] == held
        assert sorting.reached == ({KEY: Position(*reached)} if reached else {})
        assert len(flows) + len(held) + sorting.duplicates == len(came)

    def test_does_not_look_at_versions_of_a_compacted_topic(self) -> None:
        assert versions_of(sort(arrivals(9, 4), {}, None).flowing) == [9, 4]

    def test_holds_all_behind_what_waits_for_something_else_than_a_version(self) -> None:
        lane = (ProbeMoved.topic.name, KEY)
        sorting = sort(arrivals(3), {lane: False}, {KEY: Position(1, 2)})
        assert [held.reason_code for held in sorting.held] == [BEHIND]
        assert versions_of(sort(arrivals(3), {lane: True}, {KEY: Position(1, 2)}).flowing) == [3]


class TestAGap:
    async def test_is_closed_by_itself_when_the_missing_event_comes(self, bench: Bench) -> None:
        runtime, replayer = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 5))
        first, second, third, fourth = came
        other = moves(uuid4(), range(1, 3), first_offset=10)
        await runtime.process([first, third, fourth, *other])
        assert await parked(bench) == [("parked", VERSION_GAP)] * 2
        assert (await probe.verdict(bench.url))["applied"] == 3
        assert await replayer.heal() == 0
        second.offset = 20
        await runtime.process([second])
        assert await replayer.heal() == 2
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["out_of_order"], verdict["parked"]) == (6, 0, 0)

    async def test_that_stays_is_given_up_by_an_operator_alone(self, bench: Bench) -> None:
        runtime, replayer = set_up(bench)
        first, _, third, fourth = moves(PROBE, range(1, 5))
        await runtime.process([first, third, fourth])
        (waiting, _) = await ids(bench)
        with pytest.raises(ReplayFailed, match="version 2 has not come"):
            await replayer.replay(waiting, by="robin")
        assert (await replayer.replay(waiting, by="robin", despite_gap=True)).replayed == 2
        steps = await rows(bench, "SELECT step FROM effects ORDER BY id")
        assert [row["step"] for row in steps] == [1, 3, 4]

    async def test_is_not_left_by_an_event_that_was_discarded(self, bench: Bench) -> None:
        runtime, _ = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 4))
        first, second, third = came
        second.value = b"{"
        await runtime.process([first, second])
        async with bench.database.transaction() as session:
            await parking.discard(session, (await ids(bench))[0], by="robin", reason="nothing can read it")
        await runtime.process([third])
        assert (await probe.verdict(bench.url))["applied"] == 2

    async def test_stays_open_where_an_event_behind_it_is_discarded(self, bench: Bench) -> None:
        """Nobody has given up the second: when it comes it is applied, and the fourth is not let past it before."""
        runtime, _ = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 5))
        first, second, third, fourth = came
        await runtime.process([first, third])
        async with bench.database.transaction() as session:
            await parking.discard(session, (await ids(bench))[0], by="robin", reason="a test record")
        await runtime.process([fourth])
        second.offset = 20
        await runtime.process([second])
        steps = await rows(bench, "SELECT step FROM effects ORDER BY id")
        assert [row["step"] for row in steps] == [1, 2]

    async def test_stays_open_where_a_record_that_nobody_can_read_is_discarded(self, bench: Bench) -> None:
        """What waits there is older than whatever comes next."""
        runtime, _ = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 6))
        first, _, third, unreadable, fifth = came
        unreadable.headers = []
        await runtime.process([first, third, unreadable])
        (unread,) = await rows(bench, "SELECT id FROM parked_events WHERE event_id IS NULL")
        async with bench.database.transaction() as session:
            await parking.discard(session, unread["id"], by="robin", reason="nothing can read it")
        await runtime.process([fifth])
        assert (await probe.verdict(bench.url))["applied"] == 1
        assert await parked(bench) == [
            ("parked", VERSION_GAP),
            ("discarded", "envelope_incomplete"),
            ("parked", VERSION_GAP),
        ]

    async def test_does_not_bring_back_a_version_from_before_by_itself(self, bench: Bench) -> None:
        """The first of the lane is an operator's to judge, though what is behind it has been healed."""
        runtime, replayer = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 5))
        first, second, third, fourth = came
        await runtime.process([second, fourth])
        first.offset, third.offset = 20, 21
        await runtime.process([first, third])
        assert await replayer.heal() == 0
        steps = await rows(bench, "SELECT step FROM effects ORDER BY id")
        assert [row["step"] for row in steps] == [2, 3]

    async def test_holds_what_came_too_late_behind_another_event(self, bench: Bench) -> None:
        runtime, replayer = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 4))
        first, second, third = came
        third.value = b"{"
        first.offset = 20
        await runtime.process([second, third, first])
        (late,) = await rows(bench, "SELECT id FROM parked_events WHERE aggregate_version = 1")
        with pytest.raises(ReplayFailed, match="version 1 came after 2"):
            await replayer.replay(late["id"], by="robin")
        assert (await replayer.replay(late["id"], by="robin", despite_gap=True)).replayed == 1

    async def test_is_none_where_another_member_has_closed_it_meanwhile(self, bench: Bench) -> None:
        """A member that has lost the partition may park what the next owner has applied."""
        runtime, replayer = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 4))
        await runtime.process(came)
        late = decode(came[2], {ProbeMoved.type: object()}, 10_000)
        async with bench.database.transaction() as session:
            await parking.park(session, runtime.name, [parking.Parking(late, VERSION_GAP)])
        assert await replayer.heal() == 1
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["parked"]) == (3, 0)

    async def test_is_seen_over_events_that_the_consumer_does_not_take(self, bench: Bench) -> None:
        runtime, _ = set_up(bench)
        came: list[Any] = moves(PROBE, range(1, 4))
        first, second, third = came
        second.headers = [(n, b"payout.sent" if n == "ce_type" else v) for n, v in second.headers]
        await runtime.process([first, second, third])
        assert (await probe.verdict(bench.url))["applied"] == 2
        assert await parked(bench) == []

    async def test_means_nothing_on_a_compacted_topic(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ProbeMoved, "topic", Topic("probe.states", "probe", "probe_id", "", compacted=True))
        runtime, _ = set_up(bench)
        first, _, third = moves(PROBE, range(1, 4))
        await runtime.process([first, third])
        assert (await probe.verdict(bench.url))["applied"] == 2

    async def test_is_none_after_the_inbox_has_forgotten(self, bench: Bench) -> None:
        runtime, _ = set_up(bench)
        records = moves(PROBE, range(1, 4))
        await runtime.process(records)
        await rows(bench, "DELETE FROM inbox")
        await runtime.process(records)
        assert (await probe.verdict(bench.url))["applied"] == 3
