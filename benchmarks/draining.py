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

    Counting begins with the first records that are seen, whose number is not counted in: so that every side is
    measured in the same way, whether it has to connect, to start a JVM or to take a lease. Looking costs something
    on a machine of two cores: far from the end it is done seldom.
    """
    before = await end.count()
    child = launch()
    first = await _more_than(end, before, child)
    started = time.monotonic()
    seen = first
    while seen < before + count:
        await asyncio.sleep(_pause(before + count - seen, seen - first, time.monotonic() - started))
        seen = await end.count()
        _check(child, started)
    return {"events/s": (seen - first) / (time.monotonic() - started)}, child


async def _more_than(end: TopicEnd, before: int, child: Child) -> int:
    started = time.monotonic()
    while (seen := await end.count()) == before:
        await asyncio.sleep(SHORTEST_SECONDS)
        _check(child, started)
    return seen


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
