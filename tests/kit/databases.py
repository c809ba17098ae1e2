"""Databases for tests: a migrated template cloned per worker, and units of work that are rolled back."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from chassis.database import Database, Isolation, create_engine
from chassis.outbox import OutboxConfig
from deploy.local.postgres import (
    PostgresAddress,
    ServiceDatabase,
    create_database,
    create_role,
    drop_database,
)
from tests.kit.controller import ask
from tests.kit.emptying import Emptying

_numbers = count(1)


def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


class Databases:
    """One worker's databases on the run's server."""

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address
        self._of_services: dict[str, ServiceDatabase] = {}
        self._engines: dict[str, AsyncEngine] = {}
        self._emptyings: dict[str, Emptying] = {}
        self._as_new: defaultdict[str, list[ServiceDatabase]] = defaultdict(list)

    def of_service(self, service: str) -> ServiceDatabase:
        """The worker's own clone; tests on it roll back, so that it stays as migrated."""
        if service not in self._of_services:
            self._of_services[service] = self.clone(service, f"waybill_{service}_{worker()}")
        return self._of_services[service]

    def clone(self, service: str, name: str) -> ServiceDatabase:
        return create_database(self.address, service, name, template=ask(f"template {service}")["name"])

    def fresh(self, service: str) -> ServiceDatabase:
        """Migrated and used by nobody else, for tests that commit: a new one, or one that is as new again."""
        if self._as_new[service]:
            return self._as_new[service].pop()
        database = self.clone(service, _unused_name(service))
        if service not in self._emptyings:
            self._emptyings[service] = Emptying.of(self.address, _name(database))
        return database

    def empty(self, service: str) -> ServiceDatabase:
        """With the two roles and nothing in it."""
        create_role(self.address, service)
        return create_database(self.address, service, _unused_name(service))

    def renew(self, database: ServiceDatabase) -> None:
        """Takes back what `fresh` gave; one whose definitions a test has changed is dropped."""
        if self._emptyings[database.service].renew(self.address, _name(database)):
            self._as_new[database.service].append(database)
        else:
            self.drop(database)

    def drop(self, database: ServiceDatabase) -> None:
        drop_database(self.address, _name(database))

    @asynccontextmanager
    async def rolled_back(self, service: str) -> AsyncIterator["RolledBackDatabase"]:
        """All that is committed in the block is undone at its end."""
        url = self.of_service(service).url
        if url not in self._engines:
            self._engines[url] = create_engine(url, pool_size=5, name=f"tests-{service}")
        async with self._engines[url].connect() as connection:
            outer = await connection.begin()
            # SQLAlchemy begins with the first statement: what goes past it (`publish_in`) must find it begun.
            await connection.exec_driver_sql("SELECT 1")
            yield RolledBackDatabase(connection, f"/waybill/{service}")
            await outer.rollback()

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.dispose()


class RolledBackDatabase(Database):
    """The chassis's `Database` over one connection: a commit is the release of a savepoint.

    One connection means one unit of work at a time; what needs two at once takes a fresh database.
    """

    def __init__(self, connection: AsyncConnection, source: str, *, max_event_bytes: int = 512 * 1024) -> None:
        super().__init__(connection.engine, source, max_event_bytes=max_event_bytes)
        self.connection = connection
        self._sessions = async_sessionmaker(
            connection,
            expire_on_commit=False,
            class_=AsyncSession,
            join_transaction_mode="create_savepoint",
            info={"outbox": OutboxConfig(source, max_event_bytes)},
        )
        self._looks = self._sessions

    async def _isolate(self, session: AsyncSession, isolation: Isolation) -> None:
        """Its one transaction has begun, and sees what nobody else writes: any instant is the same."""

    async def publish_in(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """In a savepoint, as asyncpg's own transaction is within one that it did not begin."""
        driver: Any = (await self.connection.get_raw_connection()).driver_connection
        async with driver.transaction():
            answered: Sequence[asyncpg.Record] = await driver.fetch(statement, *values)
        if answered:
            self.on_commit()
        return answered

    async def close(self) -> None:
        """The connection is the test's to close."""


def _name(database: ServiceDatabase) -> str:
    return database.url.rsplit("/", 1)[1]


def _unused_name(service: str) -> str:
    return f"waybill_{service}_{worker()}_{next(_numbers)}"
