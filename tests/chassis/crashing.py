"""A relay or a consumer that kills itself (SIGKILL) at a named step: `python -m tests.chassis.crashing ...`.

The step is reached `--after` times before it kills, so that there is work done and work in flight.
"""

import argparse
import asyncio
import os
import signal
from typing import Any

from chassis.relay import Relay
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


class DoomedRelay(Relay):
    death: Death

    async def _publish(self, rows: list[Any]) -> None:
        self.death.at("read")
        await super()._publish(rows)
        self.death.at("acknowledged")

    async def _round(self, connection: Any, rows: list[Any]) -> None:
        await super()._round(connection, rows)
        self.death.at("deleted")

    async def _ready_producer(self) -> Any:
        producer = await super()._ready_producer()
        if self.death.step == "in_flight":
            return DoomedProducer(producer, self.death)
        return producer


class DoomedProducer:
    """Dies between two sends of one round: some are with the broker, some are not."""

    def __init__(self, producer: Any, death: Death) -> None:
        self._producer = producer
        self._death = death

    async def send(self, *arguments: Any, **named: Any) -> Any:
        self._death.at("in_flight")
        return await self._producer.send(*arguments, **named)


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
    DoomedRelay.death = Death(options.step, options.after)
    made = probe.relay(options.database, options.kafka)
    made.__class__ = DoomedRelay
    await made.run()


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
