"""What every service's migrations/env.py runs: Alembic over asyncpg, as the role that owns the schema."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from chassis import audit
from chassis.migrations import LOCK_TIMEOUT

# The audit's table is defined beside its code, in the same metadata as chassis/tables.py.
CHASSIS_METADATA = audit.audit_entries.metadata


def run(metadata: MetaData) -> None:
    """Migrates with the connection or the URL that the caller put into the configuration's attributes."""
    asyncio.run(_run_online(metadata))


async def _run_online(metadata: MetaData) -> None:
    url = make_url(context.config.attributes["owner_url"]).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    connection.execute(text(LOCK_TIMEOUT))
    _grant(connection, context.config.attributes.get("app_role"))
    context.configure(
        connection=connection,
        target_metadata=[metadata, CHASSIS_METADATA],
        include_object=_is_ours,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def _grant(connection: Connection, app_role: str | None) -> None:
    """What the owner creates, the serving role may use; a migration takes back what must stay written once."""
    if not app_role:
        return
    role = connection.dialect.identifier_preparer.quote(app_role)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    ):
        connection.execute(text(statement))


def _is_ours(thing: Any, name: str | None, type_: str, _reflected: bool, _compare_to: Any) -> bool:
    # The segments of the outbox are its partitions: the models speak of the whole.
    return not (type_ == "table" and name is not None and (name == "alembic_version" or name.startswith("outbox_")))
