"""Both faces of the model database: a connection as asyncpg gives it to the relay, and a session as SQLAlchemy's."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.util.concurrency import await_only, greenlet_spawn

import chassis.database
from chassis.database import Database
from chassis.outbox import OutboxConfig
from tests.ring.plan import FaultKind
from tests.ring.statements import model_of_sql, outcome_of
from tests.ring.store import Row, Rows
from tests.ring.wire import Lost, Wire

if TYPE_CHECKING:
    from tests.ring.world import World


class Connection:
    """The part of asyncpg's connection that the relay uses."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def fetch(self, sql: str, *values: Any) -> Rows:
        model = model_of_sql(sql)
        return await self._wire.execute(lambda transaction: model(transaction, *values), model.__name__)

    execute = fetch

    async def fetchval(self, sql: str, *values: Any) -> Any:
        rows = await self.fetch(sql, *values)
        return rows[0][0] if rows else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        self._wire.begin()
        try:
            yield
        except BaseException:
            self._wire.roll_back()
            raise
        await self._wire.commit()

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's name
        self._wire.close()

    def terminate(self) -> None:
        self._wire.close()


async def connect(world: "World") -> Connection:
    await world.hop()
    if world.chaos.strikes(FaultKind.CONNECT) is not None:
        world.note("connection refused")
        raise ConnectionRefusedError
    return Connection(Wire(world))


class Result:
    """The part of SQLAlchemy's results that the chassis uses."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def all(self) -> Rows:
        return self._rows

    def one(self) -> Row:
        if len(self._rows) != 1:
            raise NoResultFound
        return self._rows[0]

    def one_or_none(self) -> Row | None:
        return self._rows[0] if self._rows else None


class SyncFace:
    """What SQLAlchemy's listeners are given: it waits in a greenlet, as there."""

    def __init__(self, session: "Session", info: dict[str, Any]) -> None:
        self._session = session
        self.info = dict(info)

    def in_nested_transaction(self) -> bool:
        return False

    def flush(self) -> None:
        """The model has no unit of work: a command's statements are executed as they are given."""

    def execute(self, statement: Any, values: Any = None) -> Result:
        result: Result = await_only(self._session.execute(statement, values))
        return result


class Session:
    """The part of AsyncSession that the event path uses. Its listeners are those of chassis/database.py."""

    def __init__(self, world: "World", info: dict[str, Any]) -> None:
        self._world = world
        self._wire: Wire | None = None
        self.sync_session = SyncFace(self, info)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire is not None:
            self._wire.close()

    async def execute(self, statement: Any, values: Any = None) -> Result:
        wire = self._wire or self._connect()
        try:
            rows = await wire.execute(
                lambda transaction: outcome_of(transaction, statement, values), self._name(statement)
            )
        except asyncpg.PostgresError as fault:
            raise _wrapped(fault) from fault
        return Result(rows)

    async def scalars(self, statement: Any, values: Any = None) -> list[Any]:
        return [next(iter(row.values())) for row in await self.execute(statement, values)]

    async def scalar(self, statement: Any, values: Any = None) -> Any:
        return next(iter(await self.scalars(statement, values)), None)

    async def commit(self) -> None:
        await greenlet_spawn(chassis.database._write_outbox, self.sync_session)
        if self._wire is None:
            return
        try:
            await self._wire.commit()
        except asyncpg.PostgresError as fault:
            raise _wrapped(fault) from fault

    def _connect(self) -> Wire:
        pick = self._world.chaos.strikes(FaultKind.CONNECT)
        if pick is not None:
            raise PoolTimeout if pick % 2 else ConnectionRefusedError
        self._wire = Wire(self._world)
        self._wire.begin()
        return self._wire

    def _name(self, statement: Any) -> str:
        return " ".join(str(statement).split()[:5]) if self._world.is_traced else ""


def _wrapped(fault: asyncpg.PostgresError) -> DBAPIError:
    return DBAPIError(None, None, fault, connection_invalidated=isinstance(fault, Lost))


class ModelDatabase(Database):
    """The chassis's units of work over the model: nothing is replaced but where sessions come from."""

    def __init__(self, world: "World", source: str) -> None:
        self.on_commit = lambda: None
        config = {"outbox": OutboxConfig(source)}
        self._sessions = lambda: Session(world, config)  # type: ignore[assignment]
