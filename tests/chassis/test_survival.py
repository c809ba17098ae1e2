"""What the event path survives, with real processes, a real broker and a real database."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.subscribers import Subscription, kafka_broker
from deploy.local.kafka import KafkaServer
from deploy.local.postgres import PostgresServer
from tests.chassis import probe
from tests.kit.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
PROBES, STEPS = 40, 12
EVENTS = PROBES * STEPS
DEADLINE_SECONDS = 45
SETTLED = {"applied": EVENTS, "remembered": EVENTS, "unsent": 0, "parked": 0, "doubled": 0, "out_of_order": 0}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(params=[None])
def topic(kafka_bootstrap_servers: str) -> str:
    return probe.use_topic(f"probe.{uuid4()}", kafka_bootstrap_servers).name


async def run_until_killed(role: str, step: str, url: str, bootstrap_servers: str, topic: str, after: int = 2) -> int:
    """The exit code of a process that kills itself at `step`; -9 where it got there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chassis.crashing", role, "--step", step, "--after", str(after)),
        *("--database", url, "--kafka", bootstrap_servers, "--topic", topic),
        cwd=ROOT,
    )
    try:
        return await asyncio.wait_for(process.wait(), DEADLINE_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def relaying(url: str, bootstrap_servers: str) -> AsyncIterator[None]:
    relay = probe.relay(url, bootstrap_servers)
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        relay.stop()
        await asyncio.wait_for(task, DEADLINE_SECONDS)


@asynccontextmanager
async def consuming(url: str, bootstrap_servers: str, handler: probe.Handler = probe.apply) -> AsyncIterator[None]:
    database = probe.database(url)
    settings = probe.settings(url, bootstrap_servers)
    broker = kafka_broker(settings, "probe")
    runtime = probe.runtime(database, handler)
    Subscription(broker, runtime, settings)
    await broker.start()
    try:
        yield
    finally:
        runtime.stop()
        await broker.stop()
        await database.close()


async def settled(url: str) -> bool:
    return await probe.verdict(url) == SETTLED


async def publish(url: str, probes: int = PROBES, steps: int = STEPS) -> None:
    database = probe.database(url)
    await probe.publish(database, probes, steps)
    await database.close()


class TestKillNineOfTheRelay:
    @pytest.mark.parametrize("step", ["read", "in_flight", "acknowledged", "deleted"])
    async def test_loses_doubles_and_reorders_nothing(
        self, step: str, probe_url: str, kafka_bootstrap_servers: str, topic: str
    ) -> None:
        await publish(probe_url)
        after = 150 if step == "in_flight" else 2
        assert await run_until_killed("relay", step, probe_url, kafka_bootstrap_servers, topic, after) == -9
        assert (await probe.verdict(probe_url))["unsent"] > 0
        async with relaying(probe_url, kafka_bootstrap_servers), consuming(probe_url, kafka_bootstrap_servers):
            await eventually(lambda: settled(probe_url), DEADLINE_SECONDS, lambda: probe.verdict(probe_url))


class TestKillNineOfTheConsumer:
    @pytest.mark.parametrize("step", ["received", "claimed", "applied", "committed", "offsets_committed"])
    async def test_loses_doubles_and_reorders_nothing(
        self, step: str, probe_url: str, kafka_bootstrap_servers: str, topic: str
    ) -> None:
        await publish(probe_url)
        async with relaying(probe_url, kafka_bootstrap_servers):
            assert await run_until_killed("consumer", step, probe_url, kafka_bootstrap_servers, topic) == -9
            async with consuming(probe_url, kafka_bootstrap_servers):
                await eventually(lambda: settled(probe_url), DEADLINE_SECONDS, lambda: probe.verdict(probe_url))


class TestARestartOfTheBroker:
    @pytest.mark.parametrize("immediately", [False, True], ids=["in order", "kill -9"])
    async def test_is_waited_out_and_nothing_is_lost(
        self, immediately: bool, probe_url: str, own_kafka: KafkaServer
    ) -> None:
        servers = own_kafka.bootstrap_servers
        probe.use_topic(f"probe.{uuid4()}", servers)
        async with relaying(probe_url, servers), consuming(probe_url, servers):
            await publish(probe_url, PROBES, STEPS)
            await asyncio.to_thread(own_kafka.restart, immediately=immediately)
            await eventually(lambda: settled(probe_url), DEADLINE_SECONDS, lambda: probe.verdict(probe_url))


class TestARestartOfTheDatabase:
    @pytest.mark.parametrize("immediately", [False, True], ids=["in order", "immediate"])
    async def test_is_waited_out_and_nothing_is_lost(
        self, immediately: bool, own_postgres: PostgresServer, kafka_bootstrap_servers: str, topic: str
    ) -> None:
        own_postgres.address.execute(f'CREATE DATABASE "{topic}"')
        url = own_postgres.address.url(topic)
        await probe.create_tables(url)
        await publish(url)
        async with relaying(url, kafka_bootstrap_servers), consuming(url, kafka_bootstrap_servers):
            await eventually(lambda: has_begun(url), DEADLINE_SECONDS)
            await asyncio.to_thread(own_postgres.restart, immediately=immediately)
            await eventually(lambda: settled(url), DEADLINE_SECONDS, lambda: probe.verdict(url))


async def has_begun(url: str) -> bool:
    return (await probe.verdict(url))["applied"] > 0
