"""A relay or a consumer that kills itself (SIGKILL) at a named step: `python -m tests.chassis.crashing ...`.

The step is reached `--after` times before it kills, so that there is work done and work in flight.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar
from unittest.mock import patch

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from chassis.pending import PendingSet
from chassis.publishing import PendingRow
from chassis.runtime import ConsumerRuntime
from chassis.subscribers import Subscription, kafka_broker
from tests.chassis import probe


class Death:
    """Kills the process the `after`th time that the step is reached."""

    def __init__(self, step: str, after: int) -> None:
        self.step = step
        self._left = after

    def at(self, step: str) -> None:
        if step != self.step:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedPendingSet(PendingSet):
    death: ClassVar[Death]

    async def read(self, limit: int, in_flight: Collection[int]) -> Sequence[PendingRow]:
        rows = await super().read(limit, in_flight)
        if rows:
            self.death.at("read")
        return rows

    async def delete(self, rows: Iterable[PendingRow]) -> None:
        gone = list(rows)
        if gone:
            self.death.at("acknowledged")
        await super().delete(gone)
        if gone:
            self.death.at("deleted")


class DoomedProducer(AIOKafkaProducer):  # type: ignore[misc]
    """Dies with one batch at the broker and the next not yet: some of what was read is sent, some is not."""

    death: Death

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Any:
        sent = await super().send_batch(batch, topic, partition=partition)
        self.death.at("in_flight")
        return sent


class DoomedRuntime(ConsumerRuntime):
    death: Death

    async def process(self, records: Any) -> None:
        self.death.at("received")
        await super().process(records)
        self.death.at("committed")

    async def hand_over(self, session: Any, arrivals: Any) -> int:
        self.death.at("claimed")
        applied = await super().hand_over(session, arrivals)
        self.death.at("applied")
        return applied


class DoomedSubscription(Subscription):
    death: Death

    async def _commit(self, records: Any) -> None:
        await super()._commit(records)
        self.death.at("offsets_committed")


async def relay_until_killed(options: argparse.Namespace) -> None:
    DoomedPendingSet.death = DoomedProducer.death = Death(options.step, options.after)
    with (
        patch("chassis.relay.PendingSet", DoomedPendingSet),
        patch("chassis.publishing.AIOKafkaProducer", DoomedProducer),
    ):
        await probe.relay(options.database, options.kafka).run()


async def consume_until_killed(options: argparse.Namespace) -> None:
    death = Death(options.step, options.after)
    DoomedRuntime.death = DoomedSubscription.death = death
    database = probe.database(options.database)
    runtime = probe.runtime(database)
    runtime.__class__ = DoomedRuntime
    settings = probe.settings(options.database, options.kafka)
    broker = kafka_broker(settings, "probe")
    DoomedSubscription(broker, runtime, settings)
    await broker.start()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["relay", "consumer"])
    parser.add_argument("--step", default="never")
    parser.add_argument("--after", type=int, default=2)
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--topic", required=True)
    options = parser.parse_args()
    probe.register()
    probe.use_topic(options.topic)
    asyncio.run(relay_until_killed(options) if options.role == "relay" else consume_until_killed(options))


if __name__ == "__main__":
    main()
