"""Replaying and discarding what was parked."""

import asyncio
from uuid import uuid4

import pytest

from chassis import parking
from chassis.errors import NotFound
from chassis.parking import NotFirstInLine, NotParked
from chassis.records import decode
from chassis.replay import ReplayFailed
from tests.chassis import probe
from tests.chassis.arrangements import Failing, ids, moves, parked, rows, set_up
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved


class Repaired:
    """A handler that fails until it is repaired."""

    def __init__(self) -> None:
        self.is_broken = True
        self.handler = Failing(lambda *_: NotFound("not yet") if self.is_broken else None)


class TestHeal:
    async def test_frees_the_key_of_an_event_that_another_member_has_applied(self, bench: Bench) -> None:
        """A member that stood still for longer than its session parks what the next owner could apply."""
        runtime, replayer = set_up(bench)
        probe_id = uuid4()
        first, *later = moves(probe_id, range(1, 4))
        await runtime.process([first])
        late = decode(first, {ProbeMoved.type: object()}, 10_000)
        async with bench.database.transaction() as session:
            await parking.park(session, runtime.name, [parking.Parking(late, "handler_failed")])
        await runtime.process(later)
        assert (await probe.verdict(bench.url))["applied"] == 1
        assert await replayer.heal() == 3
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["out_of_order"], verdict["parked"], verdict["doubled"]) == (3, 0, 0, 0)


class TestReplay:
    async def test_applies_the_first_and_all_behind_it_in_order(self, bench: Bench) -> None:
        cause = Repaired()
        runtime, replayer = set_up(bench, cause.handler)
        await runtime.process(moves(note="x", steps=range(1, 6)))
        cause.is_broken = False
        outcome = await replayer.replay((await ids(bench))[0], by="robin")
        assert outcome.replayed == 5
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["out_of_order"], verdict["parked"], verdict["doubled"]) == (5, 0, 0, 0)

    async def test_frees_the_key_for_what_comes_next(self, bench: Bench) -> None:
        cause = Repaired()
        runtime, replayer = set_up(bench, cause.handler)
        probe_id = uuid4()
        await runtime.process(moves(probe_id, range(1, 3), "x"))
        cause.is_broken = False
        await replayer.replay((await ids(bench))[0], by="robin")
        await runtime.process(moves(probe_id, range(3, 5), "x", first_offset=2))
        assert (await probe.verdict(bench.url))["applied"] == 4

    async def test_that_fails_again_says_why_and_changes_nothing_else(self, bench: Bench) -> None:
        runtime, replayer = set_up(bench, Repaired().handler)
        await runtime.process(moves(note="x"))
        with pytest.raises(ReplayFailed, match="not yet"):
            await replayer.replay((await ids(bench))[0], by="robin")
        assert (await probe.verdict(bench.url))["parked"] == 3
        assert (await rows(bench, "SELECT attempts FROM parked_events ORDER BY record_offset"))[0]["attempts"] == 2

    async def test_stops_at_the_first_of_the_followers_that_fails(self, bench: Bench) -> None:
        records = moves(steps=range(1, 5))
        records[0].value = b"{"
        records[2].value = b"{"
        runtime, replayer = set_up(bench)
        await runtime.process(records)
        async with bench.database.transaction() as session:
            await parking.discard(session, (await ids(bench))[0], by="robin", reason="not ours")
        outcome = await replayer.replay((await ids(bench))[1], by="robin")
        assert (outcome.replayed, outcome.stopped_at) == (1, (await ids(bench))[2])

    async def test_of_a_later_one_is_refused_and_names_the_first(self, bench: Bench) -> None:
        runtime, replayer = set_up(bench, Repaired().handler)
        await runtime.process(moves(note="x"))
        first, second, _ = await ids(bench)
        with pytest.raises(NotFirstInLine) as refused:
            await replayer.replay(second, by="robin")
        assert refused.value.ids["first_id"] == str(first)

    async def test_twice_at_once_applies_once(self, bench: Bench) -> None:
        cause = Repaired()
        runtime, replayer = set_up(bench, cause.handler)
        await runtime.process(moves(note="x", steps=range(1, 8)))
        cause.is_broken = False
        first = (await ids(bench))[0]
        await asyncio.gather(*(replayer.replay(first, by=name) for name in ("robin", "sam")), return_exceptions=True)
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["doubled"], verdict["out_of_order"], verdict["parked"]) == (7, 0, 0, 0)

    async def test_leaves_nobody_behind_while_more_of_the_key_arrive(self, bench: Bench) -> None:
        cause = Repaired()
        runtime, replayer = set_up(bench, cause.handler)
        probe_id = uuid4()
        records = moves(probe_id, range(1, 41), "x")
        await runtime.process(records[:20])
        cause.is_broken = False

        async def arrive() -> None:
            for record in records[20:]:
                await runtime.process([record])

        await asyncio.gather(replayer.replay((await ids(bench))[0], by="robin"), arrive())
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["parked"], verdict["out_of_order"]) == (40, 0, 0)


class TestDiscard:
    async def test_keeps_the_row_with_who_and_why(self, bench: Bench) -> None:
        records = moves(steps=range(1, 2))
        records[0].value = b"{"
        await set_up(bench)[0].process(records)
        async with bench.database.transaction() as session:
            await parking.discard(session, (await ids(bench))[0], by="robin", reason="a test record")
        (row,) = await rows(bench, "SELECT state, settled_by, settled_reason, body FROM parked_events")
        assert tuple(row) == ("discarded", "robin", "a test record", b"{")

    async def test_of_one_with_an_earlier_one_before_it_is_refused(self, bench: Bench) -> None:
        await set_up(bench, Repaired().handler)[0].process(moves(note="x"))
        later = (await ids(bench))[1]
        with pytest.raises(NotFirstInLine):
            async with bench.database.transaction() as session:
                await parking.discard(session, later, by="robin", reason="no")

    async def test_of_what_was_replayed_is_refused(self, bench: Bench) -> None:
        cause = Repaired()
        runtime, replayer = set_up(bench, cause.handler)
        await runtime.process(moves(note="x", steps=range(1, 2)))
        cause.is_broken = False
        (only,) = await ids(bench)
        await replayer.replay(only, by="robin")
        with pytest.raises(NotParked):
            async with bench.database.transaction() as session:
                await parking.discard(session, only, by="robin", reason="late")
        assert await parked(bench) == [("replayed", "not_found")]
