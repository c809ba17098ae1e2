"""The consumer runtime: whatever arrives is applied once, in order per key, or parked; nothing is skipped."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.runtime import Stopping
from contracts.envelope import Incoming
from tests.chassis import probe
from tests.chassis.arrangements import Failing, interleaved, moves, parked, rows
from tests.chassis.conftest import Bench
from tests.chassis.probe import ProbeMoved
from tests.kit.eventually import eventually
from tests.kit.records import KafkaRecord


class TestABatch:
    async def test_is_applied_once_however_often_it_comes(self, bench: Bench) -> None:
        runtime, records = probe.runtime(bench.database), moves()
        for _ in range(3):
            await runtime.process(records)
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["doubled"], verdict["out_of_order"]) == (3, 0, 0)

    async def test_that_holds_an_event_twice_applies_it_once(self, bench: Bench) -> None:
        records = moves()
        await probe.runtime(bench.database).process([*records, *records])
        assert (await probe.verdict(bench.url))["applied"] == 3

    async def test_at_two_processes_at_once_is_applied_by_one(self, bench: Bench) -> None:
        records = [record for _ in range(30) for record in moves()]
        first, second = probe.runtime(bench.database), probe.runtime(bench.database)
        await asyncio.gather(first.process(records), second.process(records))
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["doubled"]) == (90, 0)

    async def test_leaves_no_trace_when_its_transaction_fails(self, bench: Bench) -> None:
        async def half(session: AsyncSession, batch: list[Incoming[ProbeMoved]]) -> None:
            await probe.apply(session, batch)
            raise NotFound("no such thing")

        await probe.runtime(bench.database, half).process(moves())
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["remembered"], verdict["parked"]) == (0, 0, 3)


class TestPoison:
    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda r: setattr(r, "value", b"{"), "json_invalid"),
            (lambda r: setattr(r, "value", b'{"step": "x"}'), "schema_invalid"),
            (lambda r: setattr(r, "value", None), "body_null"),
            (lambda r: setattr(r, "value", b"x" * (1 << 20)), "body_too_large"),
            (lambda r: r.headers.append(("note", None)), "header_null"),
            (lambda r: r.headers.append(("note", b"\xff\x00")), "header_not_utf8"),
            (lambda r: r.headers.append(("ce_type", b"probe.imagined")), "type_unknown"),
            (lambda r: r.headers.clear(), "envelope_incomplete"),
        ],
    )
    async def test_of_every_kind_is_parked_with_its_bytes_and_other_keys_flow(
        self, bench: Bench, spoil: Callable[[KafkaRecord], None], code: str
    ) -> None:
        bad, good = moves(steps=range(1, 2)), moves(first_offset=1)
        spoil(bad[0])
        await probe.runtime(bench.database).process([*bad, *good])
        assert (await probe.verdict(bench.url))["applied"] == 3
        (row,) = await rows(bench, "SELECT reason_code, body, key FROM parked_events")
        assert (row["reason_code"], row["body"], row["key"]) == (code, bad[0].value, bad[0].key)

    async def test_holds_back_what_comes_later_under_its_key(self, bench: Bench) -> None:
        records = moves(steps=range(1, 5))
        records[1].value = b"{"
        runtime = probe.runtime(bench.database)
        await runtime.process(records[:3])
        await runtime.process(records[3:])
        assert (await probe.verdict(bench.url))["applied"] == 1
        assert await parked(bench) == [
            ("parked", "json_invalid"),
            ("parked", "behind_a_parked_event"),
            ("parked", "behind_a_parked_event"),
        ]

    async def test_without_a_key_stands_alone(self, bench: Bench) -> None:
        bad = moves(steps=range(1, 3))
        for record in bad:
            record.key = None
        await probe.runtime(bench.database).process(bad)
        assert await parked(bench) == [("parked", "key_not_subject"), ("parked", "key_not_subject")]

    async def test_that_comes_again_is_parked_once(self, bench: Bench) -> None:
        bad = moves(steps=range(1, 2))
        bad[0].value = b"{"
        runtime = probe.runtime(bench.database)
        await runtime.process(bad)
        await runtime.process(bad)
        assert len(await parked(bench)) == 1


class TestAHandlerThatFails:
    async def test_three_times_and_then_succeeds_is_applied_once_and_nothing_is_parked(self, bench: Bench) -> None:
        handler = Failing(lambda _event, tries: RuntimeError("passing") if tries <= 3 else None)
        await probe.runtime(bench.database, handler).process([*moves(steps=range(1, 2), note="x"), *moves()])
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["doubled"], verdict["parked"]) == (4, 0, 0)

    async def test_for_good_parks_its_event_and_those_behind_it_and_no_other(self, bench: Bench) -> None:
        bad, good = moves(note="x"), moves()
        handler = Failing(lambda event, _: RuntimeError("broken") if event.step == 2 else None)
        await probe.runtime(bench.database, handler).process(interleaved(bad, good))
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["out_of_order"]) == (4, 0)
        assert await parked(bench) == [("parked", "handler_failed"), ("parked", "behind_a_parked_event")]

    async def test_is_given_as_many_tries_as_are_set(self, bench: Bench) -> None:
        handler = Failing(lambda *_: RuntimeError("broken"))
        await probe.runtime(bench.database, handler).process(moves(steps=range(1, 2), note="x"))
        assert handler.tries == probe.QUICK.attempts
        (row,) = await rows(bench, "SELECT attempts, reason_detail FROM parked_events")
        assert (row["attempts"], row["reason_detail"]) == (probe.QUICK.attempts, "RuntimeError")

    async def test_by_a_refusal_is_parked_at_once_with_its_code(self, bench: Bench) -> None:
        handler = Failing(lambda *_: NotFound("no such lead"))
        await probe.runtime(bench.database, handler).process(moves(steps=range(1, 2), note="x"))
        assert handler.tries == 1
        assert await parked(bench) == [("parked", "not_found")]

    async def test_keeps_what_its_message_said_out_of_the_database(self, bench: Bench) -> None:
        handler = Failing(lambda *_: RuntimeError("mia.obrien@example.test is not there"))
        await probe.runtime(bench.database, handler).process(moves(steps=range(1, 2), note="x"))
        (row,) = await rows(bench, "SELECT reason_detail FROM parked_events")
        assert "mia" not in row["reason_detail"]

    async def test_many_at_once_are_found_among_hundreds(self, bench: Bench) -> None:
        lanes = [moves(note="x" if number % 50 == 0 else "") for number in range(150)]
        handler = Failing(lambda *_: RuntimeError("broken"))
        await probe.runtime(bench.database, handler).process(interleaved(*lanes))
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["parked"], verdict["out_of_order"]) == (147 * 3, 9, 0)


class Resort:
    """Applies what the handler could not, or fails too; keeps each fault that it was called with."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault
        self.faults: list[Exception] = []

    async def __call__(self, session: AsyncSession, incoming: Incoming[ProbeMoved], fault: Exception) -> None:
        self.faults.append(fault)
        await probe.apply(session, [incoming])
        if self._fault is not None:
            raise self._fault


class TestALastResort:
    async def test_takes_an_event_once_every_try_has_failed_and_the_key_goes_on(self, bench: Bench) -> None:
        failing, resort = Failing(lambda event, _: ValueError("no") if event.step == 2 else None), Resort()
        runtime = probe.runtime(bench.database, failing, resort)
        mine, other = moves(note="x"), moves()
        await runtime.process(interleaved(mine, other))
        await runtime.process(interleaved(mine, other))
        assert [type(fault) for fault in resort.faults] == [ValueError]
        assert await parked(bench) == []
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["remembered"], verdict["doubled"], verdict["out_of_order"]) == (6, 6, 0, 0)

    async def test_is_not_asked_where_the_handler_recovers(self, bench: Bench) -> None:
        failing, resort = Failing(lambda _, tries: ValueError("no") if tries <= 3 else None), Resort()
        await probe.runtime(bench.database, failing, resort).process(moves(note="x", steps=range(1, 2)))
        assert resort.faults == []
        assert (await probe.verdict(bench.url))["applied"] == 1

    async def test_that_fails_leaves_no_trace_and_the_event_is_parked(self, bench: Bench) -> None:
        failing, resort = Failing(lambda _e, _t: ValueError("no")), Resort(KeyError("nor this"))
        await probe.runtime(bench.database, failing, resort).process(moves(note="x", steps=range(1, 3)))
        assert await parked(bench) == [("parked", "handler_failed"), ("parked", "behind_a_parked_event")]
        [kept] = await rows(bench, "SELECT reason_detail FROM parked_events WHERE reason_code = 'handler_failed'")
        assert kept["reason_detail"] == "ValueError"
        assert (await probe.verdict(bench.url))["applied"] == 0


class TestAPassingFault:
    async def test_is_tried_again_for_as_long_as_it_takes_and_never_parked(self, bench: Bench) -> None:
        class Deadlock(Exception):
            sqlstate = "40P01"

        handler = Failing(
            lambda _event, tries: DBAPIError("", {}, Deadlock()) if tries <= 3 * probe.QUICK.attempts else None
        )
        await probe.runtime(bench.database, handler).process(moves(steps=range(1, 2), note="x"))
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["parked"]) == (1, 0)
        assert handler.tries == 3 * probe.QUICK.attempts + 1

    async def test_is_given_up_when_the_process_ends_with_nothing_half_done(self, bench: Bench) -> None:
        handler = Failing(lambda *_: TimeoutError())
        runtime = probe.runtime(bench.database, handler)
        task = asyncio.create_task(runtime.process(moves(steps=range(1, 2), note="x")))

        async def has_tried() -> bool:
            return handler.tries > 2

        await eventually(has_tried)
        runtime.stop()
        with pytest.raises(Stopping):
            await task
        verdict = await probe.verdict(bench.url)
        assert (verdict["applied"], verdict["remembered"], verdict["parked"]) == (0, 0, 0)
