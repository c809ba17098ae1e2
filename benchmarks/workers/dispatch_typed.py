"""FastStream's own way from a record to a typed handler; nothing is kept."""

from argparse import Namespace

from faststream.kafka import KafkaBroker

from benchmarks.workers.tally import Tally, run
from contracts.intake import LeadCreated


async def consume(options: Namespace) -> dict[str, float]:
    tally = Tally(options.events)
    broker = KafkaBroker(options.kafka, logger=None)

    async def take(_event: LeadCreated) -> None:
        tally.arrived()
        tally.settled(1)

    broker.subscriber(options.topic, group_id=options.group, auto_offset_reset="earliest")(take)
    await broker.start()
    try:
        return await tally.result()
    finally:
        await broker.stop()


if __name__ == "__main__":
    run(consume)
