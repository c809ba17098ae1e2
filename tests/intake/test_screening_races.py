"""Screening beside others: two screeners, one that hangs or dies, and requests that commit meanwhile. Real commits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.faults import is_passing
from chassis.loops import Loop, LoopRunner
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.batch import Batch
from services.intake.commands.leads.taking import take_lead
from services.intake.commands.screening import Screener, Step
from services.intake.queries import LiveKey
from tests.intake.samples import committing, rows, someone, taking, working_source
from tests.kit.eventually import eventually


@pytest.fixture
def tables(fresh_database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return fresh_database("intake")


@pytest.fixture
async def committed(tables: ServiceDatabase) -> AsyncIterator[Database]:
    async with committing(tables) as database:
        yield database


@pytest.fixture
async def source(committed: Database) -> LiveKey:
    return (await working_source(committed))[1]


async def received(database: Database, source: LiveKey, *numbers: int) -> list[UUID]:
    return [(await take_lead(database, taking(source, f"key-{number}", someone(number)))).lead_id for number in numbers]


async def published(database: Database) -> Counter[str]:
    """How often each lead was, by its id."""
    found = await rows(database, "SELECT key FROM outbox WHERE topic = 'intake.leads'")
    return Counter(row["key"].decode() for row in found)


async def statuses(database: Database) -> dict[UUID, str]:
    return {row["id"]: row["status"] for row in await rows(database, "SELECT id, status FROM leads")}


class Gate:
    """A step that waits inside of the transaction until it is let go."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def __call__(self, _session: AsyncSession, _batch: Batch) -> None:
        self.reached.set()
        await self.open.wait()


class TestTwoScreeners:
    async def test_let_each_lead_in_once(self, committed: Database, source: LiveKey, clock: FixedClock) -> None:
        lead_ids = await received(committed, source, *range(40))
        done = asyncio.Event()

        async def all_in() -> bool:
            return "received" not in (await statuses(committed)).values()

        async def screening() -> None:
            screener = Screener(committed, clock)
            while not done.is_set():
                await screener.step()
                await asyncio.sleep(0)

        async def handing_in() -> None:
            for number in range(100, 140):
                lead_ids.extend(await received(committed, source, number))
            await eventually(all_in)
            done.set()

        await asyncio.gather(screening(), screening(), handing_in())
        assert await published(committed) == Counter(str(lead_id) for lead_id in lead_ids)
        assert len(await rows(committed, "SELECT id FROM lead_status_changes")) == len(lead_ids) == 80

    async def test_of_copies_that_come_at_once_one_passes(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        """By two sources, and in two hands' batches: one of these sees what the other let in."""
        sources = (source, (await working_source(committed, "Another"))[1])
        screeners = [Screener(committed, clock) for _ in range(2)]

        async def hand_in(number: int) -> None:
            await take_lead(committed, taking(sources[number % 2], f"key-{number}"))
            await asyncio.gather(*(screener.step() for screener in screeners))

        await asyncio.gather(*(hand_in(number) for number in range(100)))
        while await screeners[0].step():
            continue
        assert Counter((await statuses(committed)).values()) == {"routable": 1, "duplicate_review": 99}
        assert sum((await published(committed)).values()) == 1

    async def test_nobody_waits_for_one_that_hangs_and_the_leads_are_taken_up_when_it_is_gone(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        lead_ids = await received(committed, source, 1)
        gate = Gate()
        hanging = asyncio.create_task(Screener(committed, clock, [gate]).step())
        await gate.reached.wait()
        other = Screener(committed, clock)
        assert await asyncio.wait_for(other.step(), 10) is False
        hanging.cancel()
        with suppress(asyncio.CancelledError):
            await hanging
        assert await other.step() is True
        assert await published(committed) == Counter(map(str, lead_ids))


class TestAScreenerThatDies:
    async def test_leaves_nothing_half_done_and_another_takes_its_leads(
        self, committed: Database, source: LiveKey, clock: FixedClock, tables: ServiceDatabase
    ) -> None:
        lead_ids = await received(committed, source, *range(3))

        async def die(session: AsyncSession, _batch: Batch) -> None:
            (pid,) = await session.scalars(text("SELECT pg_backend_pid()"))
            owner = await asyncpg.connect(tables.url)
            await owner.execute("SELECT pg_terminate_backend($1)", pid)
            await owner.close()

        dying: Step = die
        with pytest.raises(Exception) as died:  # noqa: PT011  # whichever statement meets the cut connection
            await Screener(committed, clock, [dying]).step()
        assert is_passing(died.value)
        assert set((await statuses(committed)).values()) == {"received"}
        assert await rows(committed, "SELECT 1 FROM screening_faults") == []
        assert await Screener(committed, clock).step() is True
        assert await published(committed) == Counter(map(str, lead_ids))


class TestTheLoop:
    async def test_is_woken_by_a_commit_of_its_process(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        """Of itself it would look again in an hour."""
        looks = 0
        screener = Screener(committed, clock)

        async def step() -> bool:
            nonlocal looks
            looks += 1
            return await screener.step()

        async def rests() -> bool:
            return looks == 1

        async def is_in() -> bool:
            return (await statuses(committed)) == {lead_id: "routable"}

        runner = LoopRunner(Loop("screen", step, (3600, 3600)))
        committed.on_commit = runner.wake
        running = asyncio.create_task(runner.run())
        await eventually(rests)
        (lead_id,) = await received(committed, source, 1)
        await eventually(is_in)
        runner.stop()
        await running


class TestARequestThatCommitsMeanwhile:
    async def test_after_the_screener_has_read_is_found_by_its_next_look(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        first = await received(committed, source, 1)
        gate = Gate()
        screener = Screener(committed, clock, [gate])
        step = asyncio.create_task(screener.step())
        await gate.reached.wait()
        second = await received(committed, source, 2)
        gate.open.set()
        assert await step is True
        assert await statuses(committed) == {first[0]: "routable", second[0]: "received"}
        assert await screener.step() is True
        assert await published(committed) == Counter(map(str, first + second))

    async def test_with_an_id_older_than_those_screened_is_found_all_the_same(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        """Ids are drawn before the commit: no position is remembered, so that none is passed by."""
        screener = Screener(committed, clock)
        took, commit = asyncio.Event(), asyncio.Event()

        class Late(Database):
            async def publish_in(self, statement: str, *values: object) -> list[asyncpg.Record]:
                async with self.engine.connect() as connection:
                    driver = (await connection.get_raw_connection()).driver_connection
                    assert driver is not None
                    async with driver.transaction():
                        found: list[asyncpg.Record] = await driver.fetch(statement, *values)
                        took.set()
                        await commit.wait()
                return found

        late = asyncio.create_task(take_lead(Late(committed.engine, "/waybill/intake"), taking(source, "late")))
        await took.wait()
        (newer,) = await received(committed, source, 2)
        assert await screener.step() is True
        commit.set()
        older = (await late).lead_id
        assert older < newer
        assert await screener.step() is True
        assert await statuses(committed) == {older: "routable", newer: "routable"}

    async def test_a_lead_that_somebody_holds_is_left_for_the_next_look(
        self, committed: Database, source: LiveKey, clock: FixedClock
    ) -> None:
        held, free = await received(committed, source, 1, 2)
        screener = Screener(committed, clock)
        async with committed.transaction() as session:
            await session.execute(text("SELECT 1 FROM leads WHERE id = :id FOR UPDATE"), {"id": held})
            assert await asyncio.wait_for(screener.step(), 10) is True
            assert await statuses(committed) == {held: "received", free: "routable"}
        assert await screener.step() is True
        assert (await statuses(committed))[held] == "routable"


class TestTwoScreenersAndALeadThatFails:
    async def test_both_come_to_the_same_end(self, committed: Database, source: LiveKey, clock: FixedClock) -> None:
        for number in range(20):
            await take_lead(committed, taking(source, f"key-{number}", someone(number)))

        async def fail(_session: AsyncSession, batch: Batch) -> None:
            if any(arrival.name == "Person 13" for arrival in batch.arrivals):
                raise KeyError

        async def work_off(screener: Screener) -> None:
            while Counter((await statuses(committed)).values())["received"] > 1:
                await screener.step()
            while await screener.step():
                continue

        await asyncio.gather(*(work_off(Screener(committed, clock, [fail])) for _ in range(2)))
        assert Counter((await statuses(committed)).values()) == {"routable": 19, "received": 1}
        assert max((await published(committed)).values()) == 1
        assert len(await rows(committed, "SELECT 1 FROM screening_faults")) == 1
