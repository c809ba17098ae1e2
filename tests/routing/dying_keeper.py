"""A worker that is killed in the midst of what the queue does by itself: all is written, nothing is committed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from services.routing.retries import QueueKeeper

HAS_WRITTEN = text("SELECT EXISTS (SELECT 1 FROM audit_entries WHERE xmin = pg_current_xact_id_if_assigned()::xid)")


class DyingDatabase(Database):
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            await session.flush()
            if await session.scalar(HAS_WRITTEN):
                os.kill(os.getpid(), signal.SIGKILL)


async def main(database_url: str, step: str, now: str) -> None:
    database = DyingDatabase(create_engine(database_url), "/waybill/routing")
    keeper = QueueKeeper(database, FixedClock(datetime.fromisoformat(now)))
    while await (keeper.retry() if step == "retry" else keeper.escalate()):
        pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
