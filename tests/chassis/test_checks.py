"""Every service's checks are those of its models: Alembic's autogeneration does not compare them."""

from collections.abc import Callable
from importlib import import_module

import asyncpg
import pytest
from sqlalchemy import MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import NullPool

from deploy import SERVICES
from deploy.local.postgres import ServiceDatabase

CHECKS = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE contype = 'c' AND connamespace = 'public'::regnamespace
"""


async def checks_of(database: ServiceDatabase) -> set[tuple[str, str, str]]:
    """Table, name and condition, as the server tells them."""
    connection = await asyncpg.connect(database.owner_url)
    found = {(table, name, condition) for table, name, condition in await connection.fetch(CHECKS)}
    await connection.close()
    return found


def tables_of(service: str) -> MetaData:
    """Of the one declarative base that its models have."""
    named = vars(import_module(f"services.{service}.models")).values()
    (tables,) = (thing.metadata for thing in named if DeclarativeBase in getattr(thing, "__bases__", ()))
    found: MetaData = tables
    return found


async def create(tables: MetaData, database: ServiceDatabase) -> None:
    """As the models say, without any migration."""
    url = make_url(database.owner_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(tables.create_all)
    await engine.dispose()


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrations_make_the_checks_that_the_models_have(
    service: str, service_database: Callable[[str], ServiceDatabase], empty_database: ServiceDatabase
) -> None:
    await create(tables_of(service), empty_database)
    assert await checks_of(service_database(service)) == await checks_of(empty_database)
