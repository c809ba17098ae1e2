"""What the event path survives, with real processes, a real broker and a real database."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.migrations import whole_chassis
from chassis.subscribers import Subscription, kafka_broker
from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer, ServiceDatabase
from tests.chassis import probe
from tests.kit.eventually import eventually
from tests.kit.kafka import KafkaAddress

ROOT = Path(__file__).resolve().parents[2]
PROBES, STEPS = 40, 12
EVENTS = PROBES * STEPS
DEADLINE_SECONDS = 45
SETTLED = {"applied": EVENTS, "remembered": EVENTS, "unsent": 0, "parked": 0, "doubled": 0, "out_of_order": 0}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Place:
    """Where a test of the event path happens."""

    url: str
    kafka: str
    topic: str

    async def is_settled(self) -> bool:
        verdict = await probe.verdict(self.url)
        assert verdict == SETTLED, verdict
        return True

    async def settles(self) -> None:
        await eventually(self.is_settled, DEADLINE_SECONDS)


@pytest.fixture
def topic(kafka: KafkaAddress) -> str:
    return probe.use_topic(f"probe.{uuid4()}", kafka.bootstrap_servers).name


@pytest.fixture
async def place(chassis_database: ServiceDatabase, kafka: KafkaAddress, topic: str) -> Place:
    await probe.create_tables(chassis_database.owner_url)
    return Place(chassis_database.url, kafka.bootstrap_servers, topic)


async def run_until_killed(place: Place, role: str, step: str, after: int = 2) -> int:
    """The exit code of a process that kills itself at `step`; -9 where it got there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chassis.crashing", role, "--step", step, "--after", str(after)),
        *("--database", place.url, "--kafka", place.kafka, "--topic", place.topic),
        cwd=ROOT,
    )
    try:
        return await asyncio.wait_for(process.wait(), DEADLINE_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def relaying(place: Place) -> AsyncIterator[None]:
    relay = probe.relay(place.url, place.kafka)
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        relay.stop()
        await asyncio.wait_for(task, DEADLINE_SECONDS)


@asynccontextmanager
async def consuming(place: Place) -> AsyncIterator[None]:
    database = probe.database(place.url)
    settings = probe.settings(place.url, place.kafka)
    broker = kafka_broker(settings, "probe")
    runtime = probe.runtime(database)
    Subscription(broker, runtime, settings)
    await broker.start()
    try:
        yield
    finally:
        runtime.stop()
        await broker.stop()
        await database.close()


async def publish(place: Place) -> None:
    database = probe.database(place.url)
    await probe.publish(database, PROBES, STEPS)
    await database.close()


class TestKillNineOfTheRelay:
    @pytest.mark.parametrize("step", ["read", "in_flight", "acknowledged", "deleted"])
    async def test_loses_doubles_and_reorders_nothing(self, step: str, place: Place) -> None:
        await publish(place)
        after = 5 if step == "in_flight" else 2
        assert await run_until_killed(place, "relay", step, after) == -signal.SIGKILL
        assert (await probe.verdict(place.url))["unsent"] > 0
        async with relaying(place), consuming(place):
            await place.settles()


class TestKillNineOfTheConsumer:
    @pytest.mark.parametrize("step", ["received", "claimed", "applied", "committed", "offsets_committed"])
    async def test_loses_doubles_and_reorders_nothing(self, step: str, place: Place) -> None:
        await publish(place)
        async with relaying(place):
            assert await run_until_killed(place, "consumer", step) == -signal.SIGKILL
            async with consuming(place):
                await place.settles()


class TestARestartOfTheBroker:
    @pytest.mark.parametrize("immediately", [False, True], ids=["in order", "kill -9"])
    async def test_is_waited_out(
        self, immediately: bool, chassis_database: ServiceDatabase, own_kafka: KafkaServer
    ) -> None:
        await probe.create_tables(chassis_database.owner_url)
        topic = probe.use_topic(f"probe.{uuid4()}", own_kafka.bootstrap_servers).name
        place = Place(chassis_database.url, own_kafka.bootstrap_servers, topic)
        async with relaying(place), consuming(place):
            restart = asyncio.create_task(asyncio.to_thread(own_kafka.restart, immediately=immediately))
            await publish(place)
            await restart
            await place.settles()


class TestARestartOfTheDatabase:
    @pytest.mark.parametrize("immediately", [False, True], ids=["in order", "immediate"])
    async def test_is_waited_out(
        self, immediately: bool, own_postgres: PostgresServer, kafka: KafkaAddress, topic: str
    ) -> None:
        own_postgres.address.execute(f'CREATE DATABASE "{topic}"')
        place = Place(own_postgres.address.url(topic), kafka.bootstrap_servers, topic)
        await probe.create_tables(place.url, *whole_chassis())
        await publish(place)
        async with relaying(place), consuming(place):
            await eventually(lambda: _has_begun(place), DEADLINE_SECONDS)
            await asyncio.to_thread(own_postgres.restart, immediately=immediately)
            await place.settles()


async def _has_begun(place: Place) -> bool:
    return (await probe.verdict(place.url))["applied"] > 0
