"""A large batch is decided in portions, each written while the next is decided: as if it had been one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import pytest

from chassis.clock import FixedClock
from deploy.local.postgres import ServiceDatabase
from services.routing.commands import attempts, dispatch
from services.routing.commands.attempts import PORTION, Outcome
from services.routing.commands.conclusions import publish, write_outcomes
from services.routing.domain.decision import Decision, Request, decide
from services.routing.domain.standing import Considered
from services.routing.domain.windows import Limits
from tests.routing.arrangements import EXCLUSIVE, Floor, committing, leads

REST = 7
SEVERAL = 2 * PORTION + REST


class Broken(Exception):
    """A fault of a test's own."""


@pytest.fixture
async def floor(fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
    async with committing(fresh_database("routing"), clock) as floor:
        yield floor


async def test_no_cap_is_passed_from_one_portion_to_the_next(floor: Floor) -> None:
    most = PORTION + 3
    capped = await floor.installer(Limits(day=most), name="Capped")
    await floor.dispatch(*leads(SEVERAL, EXCLUSIVE))
    assert await floor.given() == {capped: most}
    assert (await floor.counts(capped))["day"] == (most, 0)
    assert len(await floor.exceptions(is_open=True)) == SEVERAL - most


async def test_turns_go_on_from_one_portion_to_the_next(floor: Floor) -> None:
    await floor.installers(3)
    arrived = leads(SEVERAL, EXCLUSIVE)
    await floor.dispatch(*arrived)
    chosen = {each.lead_id: each.installer_id for each in await floor.assignments()}
    in_turn = [chosen[each.lead_id] for each in arrived]
    assert len(set(in_turn[:3])) == 3
    assert in_turn == (in_turn[:3] * SEVERAL)[:SEVERAL]


async def test_a_portion_is_written_while_the_next_is_decided(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    await floor.installers(1)
    told: list[str] = []

    def watched_decide(request: Request, candidates: Iterable[Considered]) -> Decision:
        told.append("decided")
        return decide(request, candidates)

    def watched_publish(session: Any, outcomes: Sequence[Outcome], now: Any) -> None:
        told.append("concluding")
        publish(session, outcomes, now)

    async def watched_write(session: Any, outcomes: Sequence[Outcome], now: Any) -> None:
        await write_outcomes(session, outcomes, now)
        told.append(f"wrote {len(outcomes)}")

    monkeypatch.setattr(attempts, "decide", watched_decide)
    monkeypatch.setattr(dispatch, "publish", watched_publish)
    monkeypatch.setattr(dispatch, "write_outcomes", watched_write)
    await floor.dispatch(*leads(SEVERAL, EXCLUSIVE))
    assert [what for what in told if what.startswith("wrote")] == [
        f"wrote {PORTION}",
        f"wrote {PORTION}",
        f"wrote {REST}",
    ]
    before = told[: told.index("concluding")].count("decided")
    assert PORTION < before < 2 * PORTION


class TestAFault:
    async def test_of_writing_leaves_nothing(self, floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
        await floor.installers(1)
        written: list[int] = []

        async def fail_second(session: Any, outcomes: Sequence[Outcome], now: Any) -> None:
            await write_outcomes(session, outcomes, now)
            written.append(len(outcomes))
            if len(written) > 1:
                raise Broken

        monkeypatch.setattr(dispatch, "write_outcomes", fail_second)
        with pytest.raises(Broken):
            await floor.dispatch(*leads(SEVERAL, EXCLUSIVE))
        assert written == [PORTION, PORTION]
        await nothing_is_left(floor)

    async def test_of_deciding_lets_what_is_written_end(self, floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
        """Or the session's connection would be lost with it."""
        await floor.installers(1)
        arrived = leads(SEVERAL, EXCLUSIVE)
        written: list[int] = []

        def fail(request: Request, candidates: Iterable[Considered]) -> Decision:
            if request.lead_id == arrived[PORTION + 1].lead_id:
                raise Broken
            return decide(request, candidates)

        async def watched(session: Any, outcomes: Sequence[Outcome], now: Any) -> None:
            await write_outcomes(session, outcomes, now)
            written.append(len(outcomes))

        monkeypatch.setattr(attempts, "decide", fail)
        monkeypatch.setattr(dispatch, "write_outcomes", watched)
        with pytest.raises(Broken):
            await floor.dispatch(*arrived)
        assert written == [PORTION]
        await nothing_is_left(floor)

    async def test_from_outside_ends_what_is_written(self, floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
        await floor.installers(1)
        begun, ended = asyncio.Event(), asyncio.Event()

        async def hang(*_: Any) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        monkeypatch.setattr(dispatch, "write_outcomes", hang)
        batch = asyncio.create_task(floor.dispatch(*leads(SEVERAL, EXCLUSIVE)))
        await begun.wait()
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        assert ended.is_set()
        await nothing_is_left(floor)


async def nothing_is_left(floor: Floor) -> None:
    assert await floor.assignments() == []
    assert await floor.rows("SELECT lead_id FROM dispatches") == []
    assert await floor.events("dispatch.decided", "assignment.created") == []
