"""A worker that is killed in the midst of a bulk job: before a row's commit, or after it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.console.bulk import BulkAction, Work
from chassis.console.bulk.running import BulkRunner
from chassis.database import Database, create_engine
from services.routing.pages.installers import LISTING
from tests.routing.arrangements import NOW


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class DyingWork(Work):
    """Everything of the row is written, nothing is committed."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with Work.transaction(self) as session:
            yield session
            await session.flush()
            die()


def dying(action: BulkAction, step: str, after: int) -> BulkAction:
    done = 0

    async def do(work: Work) -> None:
        nonlocal done
        if done == after and step == "before_commit":
            work = DyingWork(**{each.name: getattr(work, each.name) for each in fields(Work)})
        await action.do(work)
        done += 1
        if done == after and step == "after_commit":
            die()

    return replace(action, do=do)


async def main(database_url: str, step: str, after: str) -> None:
    database = Database(create_engine(database_url), "/waybill/routing")
    actions = [dying(action, step, int(after)) for action in LISTING.bulk]
    runner = BulkRunner(database, FixedClock(NOW), [replace(LISTING, bulk=actions)])
    while await runner.step():
        pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
