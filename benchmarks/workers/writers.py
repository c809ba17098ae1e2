"""A service that writes as fast as it can, one event per transaction, and relays what it writes: commits per second.

How its relay learns of a commit: `wake` is the product's own, `poll` leaves it to its polls, `notify` is the rival's
way, a `pg_notify` in each transaction and a session that listens.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.leads import lead_created
from benchmarks.workers.service import compose, serve_while_working
from chassis import outbox
from chassis.service import Service

WARM_UP_COMMITS = 20
"""Of each writer, so that connecting is over when counting begins."""
CHANNEL = "outbox"
_NOTIFY = text(f"SELECT pg_notify('{CHANNEL}', '')")

Tell = Callable[[AsyncSession], Awaitable[None]]


async def work(service: Service, options: argparse.Namespace) -> dict[str, float]:
    async with _informed(options, service) as tell:
        commits, seconds = await _write(service, options.writers, options.seconds, tell)
    return {"commits": commits, "seconds": seconds}


@asynccontextmanager
async def _informed(options: argparse.Namespace, service: Service) -> AsyncIterator[Tell]:
    """What a transaction does so that the relay hears of it."""
    wake = service.database.on_commit
    if options.how == "wake":
        yield _tell_nothing
        return
    service.database.on_commit = lambda: None
    if options.how == "poll":
        yield _tell_nothing
        return
    listener = await asyncpg.connect(options.database)
    await listener.add_listener(CHANNEL, lambda *_: wake())
    yield _notify
    await listener.close()


async def _tell_nothing(_session: AsyncSession) -> None:
    return


async def _notify(session: AsyncSession) -> None:
    await session.execute(_NOTIFY)


async def _write(service: Service, writers: int, seconds: float, tell: Tell) -> tuple[int, float]:
    """Commits counted after the warm-up, and the time that they took."""
    commits = [0] * writers
    warm = asyncio.Barrier(writers + 1)
    stopping = asyncio.Event()

    async def write(number: int) -> None:
        while not stopping.is_set():
            async with service.database.transaction() as session:
                outbox.add(session, lead_created(), version=1)
                await tell(session)
            commits[number] += 1
            if commits[number] == WARM_UP_COMMITS:
                await warm.wait()

    async with asyncio.TaskGroup() as tasks:
        for number in range(writers):
            tasks.create_task(write(number))
        await warm.wait()
        before, started = sum(commits), time.monotonic()
        await asyncio.sleep(seconds)
        counted, took = sum(commits) - before, time.monotonic() - started
        stopping.set()
    return counted, took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--writers", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--how", choices=["wake", "poll", "notify"], required=True)
    options = parser.parse_args()
    # A connection for each writer and a few for the rest of the process: what is measured is not the pool.
    service = compose(options.database, options.kafka, http_port=0, database_pool_size=options.writers + 3)
    print(json.dumps(serve_while_working(service, lambda _: work(service, options))), flush=True)


if __name__ == "__main__":
    main()
