"""One engine per process, and the unit of work: a transaction that the edge commits once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeVar

import asyncpg
from sqlalchemy import URL, MetaData, QueuePool, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Mapped, Session, mapped_column

from chassis import outbox
from chassis.telemetry.metrics import POOL_IN_USE, POOL_SIZE, POOL_TIMEOUTS

Isolation = Literal["read committed", "repeatable read"]
Answer = TypeVar("Answer")
Result = TypeVar("Result")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def named_metadata() -> MetaData:
    """Constraints get names by rule, so that migrations can speak of them."""
    return MetaData(naming_convention=NAMING)


async def locked_by_name(session: AsyncSession, name: str) -> None:
    """Waits until no other transaction holds the name, and holds it until this one ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def meanwhile(reading: Coroutine[Any, Any, Answer], work: Callable[[], Result]) -> tuple[Answer, Result]:
    """Asks the database, works while it looks, and then waits for it, whatever became of the work.

    `work` has to leave the session alone that `reading` has in hand.
    """
    answer = asyncio.create_task(reading)
    try:
        # The question has left once the task waits for its answer.
        await asyncio.sleep(0)
        result = work()
    finally:
        answered = await answer
    return answered, result


class Versioned:
    """An aggregate: each of its events takes the next version, under the row's lock, before the outbox row is written.

    An event and nothing else takes one: a version without an event is a gap to every consumer. Lock the row first
    (`with_for_update`); then the order of outbox ids is the order of versions.
    """

    version: Mapped[int] = mapped_column(default=0, server_default="0")

    def next_version(self) -> int:
        self.version += 1
        return self.version


def server_settings(name: str, statement_timeout_seconds: float = 30) -> dict[str, str]:
    """The server ends sessions idle in a transaction, so that a stuck process holds no lock."""
    return {
        "application_name": name,
        "statement_timeout": str(int(statement_timeout_seconds * 1000)),
        "idle_in_transaction_session_timeout": "60000",
        "timezone": "UTC",
    }


def create_engine(
    url: str, *, pool_size: int = 10, statement_timeout_seconds: float = 30, name: str = "waybill"
) -> AsyncEngine:
    """An asyncpg engine."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        # A failed statement is logged without what it held: it can be about a person.
        hide_parameters=True,
        connect_args={"server_settings": server_settings(name, statement_timeout_seconds), "timeout": 10},
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """A server that went away has closed the connection, which asyncpg knows: no need to ask it with a round trip."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


class StatementPool:
    """Connections for statements that are a transaction each: one round trip and no session."""

    def __init__(self, url: URL, settings: Mapping[str, str] | None = None, size: int = 10) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._settings = dict(settings or {})
        self.size = size
        self._pool: asyncpg.Pool | None = None

    def in_use(self) -> int:
        """Connections that a statement runs on."""
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool is not None else 0

    async def fetch(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """Committed when it returns."""
        if self._pool is None:
            # Statements of this kind are planned once: they find their rows by key.
            settings = self._settings | {"plan_cache_mode": "force_generic_plan"}
            self._pool = asyncpg.create_pool(
                self._dsn, min_size=0, max_size=self.size, server_settings=settings, timeout=10, reset=_as_it_is
            )
        # A coroutine that finds the pool in the making waits for it here.
        await self._pool
        return await self._pool.fetch(statement, *values)  # type: ignore[no-any-return]

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()


async def _as_it_is(_connection: Any) -> None:
    """Nothing to put back: a single statement leaves no state at the server."""


class Database:
    """Transactions over one engine. `on_commit` is called after a commit that left events, or work for a loop.

    `source` is the `ce_source` of the events that its sessions publish, as `/waybill/billing`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        source: str,
        *,
        max_event_bytes: int = 512 * 1024,
        statements: StatementPool | None = None,
    ) -> None:
        self.engine = engine
        self.on_commit: Callable[[], None] = lambda: None
        self.outbox = outbox.OutboxConfig(source, max_event_bytes)
        self._statements = statements or StatementPool(engine.url)
        _show_pools(engine, self._statements)
        self._sessions = async_sessionmaker(
            engine,
            expire_on_commit=False,
            class_=AsyncSession,
            info={"outbox": self.outbox},
        )
        self._looks = async_sessionmaker(
            engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False, class_=AsyncSession
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: commits when the block ends, rolls back when it raises. Answer only after it has ended."""
        async with self._sessions() as session:
            with _counting_timeouts():
                yield session
                await session.commit()
            wrote_events = outbox.took_events(session.sync_session)
        if wrote_events:
            self.on_commit()

    @asynccontextmanager
    async def reading(self, *, isolation: Isolation = "read committed") -> AsyncIterator[AsyncSession]:
        """A session for queries; whatever it did is rolled back. With `repeatable read` all of them see one instant."""
        async with self._sessions() as session:
            with _counting_timeouts():
                if isolation != "read committed":
                    await self._isolate(session, isolation)
                yield session

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[AsyncSession]:
        """A session whose queries are a transaction each, without the two round trips that a common one takes.

        For what reads alone and asks in one go: nothing is rolled back, no lock is kept, and a cursor finds no ground.
        """
        async with self._looks() as session:
            with _counting_timeouts():
                yield session

    async def _isolate(self, session: AsyncSession, isolation: Isolation) -> None:
        """Before its first statement; the connection is put back as it was when the session gives it up."""
        await session.connection(execution_options={"isolation_level": isolation.upper()})

    async def publish_in(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """One statement that is a unit of work as a whole and leaves work for a loop or an event that it adds itself.

        Committed when it returns; gives the rows that it answered, and where there are any announces what was left.
        """
        answered = await self._statements.fetch(statement, *values)
        if answered:
            self.on_commit()
        return answered

    async def close(self) -> None:
        await self._statements.close()
        await self.engine.dispose()


def _show_pools(engine: AsyncEngine, statements: StatementPool) -> None:
    """Asked at each scrape; a process has one database, so that the last one made is it."""
    if isinstance(engine.pool, QueuePool):
        POOL_SIZE.labels("sessions").set(engine.pool.size())
        POOL_IN_USE.labels("sessions").set_function(engine.pool.checkedout)
    POOL_SIZE.labels("statements").set(statements.size)
    POOL_IN_USE.labels("statements").set_function(statements.in_use)


@contextmanager
def _counting_timeouts() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError:
        POOL_TIMEOUTS.inc()
        raise


@event.listens_for(Session, "before_commit")
def _write_outbox(session: Session) -> None:
    outbox.write_pending(session)


@event.listens_for(Session, "after_soft_rollback")
def _forget_outbox(session: Session, _previous: Any) -> None:
    outbox.forget_pending(session)
