"""The worker half of a service that publishes: relay, scheduler and gauges, until it is stopped."""

import argparse

import uvloop

from benchmarks.workers import until_stopped
from benchmarks.workers.service import compose
from chassis.worker import Worker


async def run(options: argparse.Namespace) -> None:
    service = compose(options.database, options.kafka)
    print("ready", flush=True)
    async with Worker(service, {}).running():
        await until_stopped()
    await service.database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    # The loop that services run on: see chassis/process.py.
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
