"""A relay that waits, for a broker that is away or for its turn, is not driven by the commits that wake it."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, NoReturn

import pytest
from aiokafka.errors import KafkaConnectionError

from chassis.pending import PendingSet, Shard
from chassis.relay import FAULT_SECONDS, STANDBY_SECONDS, Relay
from tests.chassis.conftest import Bench
from tests.kit.eventually import eventually

pytestmark = pytest.mark.slow

WAKES = 300


def pauses_within(seconds: float) -> int:
    """How many growing pauses fit, each after one try."""
    pause, longest = FAULT_SECONDS
    count = 0
    while (seconds := seconds - pause) > 0:
        count, pause = count + 1, min(longest, pause * 2)
    return count


class Away:
    """A broker that refuses every connection, and counts them."""

    def __init__(self) -> None:
        self.tries = 0

    async def start(self) -> NoReturn:
        self.tries += 1
        raise KafkaConnectionError("nobody is there")

    async def stop(self) -> None:
        """Nothing was started."""


async def wake_often(relay: Relay) -> float:
    """As a process does that commits three hundred times in a second; returns the seconds that it took."""
    began = monotonic()
    for _ in range(WAKES):
        relay.wake()
        await asyncio.sleep(0.003)
    return monotonic() - began


async def in_the_end(relay: Relay, running: asyncio.Task[None]) -> None:
    relay.stop()
    await asyncio.wait_for(running, 30)


class TestBrokerAway:
    async def test_is_tried_by_growing_pauses_and_not_at_every_commit(self, bench: Bench) -> None:
        broker: Any = Away()
        relay = Relay(bench.url, Shard(0, 1), lambda: broker)
        running = asyncio.create_task(relay.run())
        seconds = await wake_often(relay)
        tries = broker.tries
        await in_the_end(relay, running)
        assert 1 <= tries <= 1 + pauses_within(seconds)


class TestStandby:
    async def test_asks_for_its_turn_now_and_then_and_not_at_every_commit(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[PendingSet] = []
        take_shard: Callable[[PendingSet], Awaitable[bool]] = PendingSet.take_shard

        async def counted(pending: PendingSet) -> bool:
            asked.append(pending)
            return await take_shard(pending)

        leader = await PendingSet.open(bench.url, Shard(0, 1))
        assert await leader.take_shard()
        monkeypatch.setattr(PendingSet, "take_shard", counted)
        broker: Any = Away()
        standby = Relay(bench.url, Shard(0, 1), lambda: broker)
        running = asyncio.create_task(standby.run())
        seconds = await wake_often(standby)
        tries = len(asked)
        await leader.connection.close()

        async def leads() -> bool:
            return bool(broker.tries)

        await eventually(leads, 30)
        await in_the_end(standby, running)
        assert 1 <= tries <= 1 + seconds / STANDBY_SECONDS
