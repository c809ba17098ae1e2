"""How fast something empties into Kafka, as the broker sees it: from the first events there to the last one."""

import asyncio
import time
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.figure import Sample
from contracts.topics import Topic
from deploy.local.child import Child

SHORTEST_SECONDS, LONGEST_SECONDS = 0.004, 0.1
PATIENCE_SECONDS = 300


class TopicEnd:
    """Counts the records of a topic that the broker has acknowledged."""

    def __init__(self, kafka: str, topic: Topic) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
        self._partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]

    async def __aenter__(self) -> "TopicEnd":
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def count(self) -> int:
        """All that ever were in it."""
        return sum((await self._consumer.end_offsets(self._partitions)).values())


async def drained(end: TopicEnd, count: int, launch: Callable[[], Child]) -> tuple[Sample, Child]:
    """The rate at which the started program brings `count` more records into the topic, its start-up left out.

    The time runs from the last look at which there was nothing, so that every side is measured in the same way,
    whether it has to connect, to start a JVM or to take a lease. Looking costs something on a machine of two cores:
    far from the end it is done seldom.
    """
    before = await end.count()
    child = launch()
    started = await _last_empty_look(end, before, child)
    while (seen := await end.count()) < before + count:
        await asyncio.sleep(_pause(before + count - seen, seen - before, time.monotonic() - started))
        _check(child, started)
    return {"events/s": count / (time.monotonic() - started)}, child


async def _last_empty_look(end: TopicEnd, before: int, child: Child) -> float:
    first = looked = time.monotonic()
    while await end.count() == before:
        looked = time.monotonic()
        await asyncio.sleep(SHORTEST_SECONDS)
        _check(child, first)
    return looked


def _pause(left: int, done: int, seconds: float) -> float:
    """A quarter of the time that is left at the present pace."""
    expected = left * seconds / done if done else 0.0
    return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, expected / 4))


def _check(child: Child, started: float) -> None:
    """A program that publishes runs until it is stopped."""
    if child.has_died:
        raise child.death()
    if time.monotonic() - started > PATIENCE_SECONDS:
        raise TimeoutError(f"{child.name} does not end; its log ends:\n{child.log_end()}")
