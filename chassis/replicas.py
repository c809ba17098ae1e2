"""What another service says, kept here as it was last told."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession


async def keep_newest(session: AsyncSession, table: type[Any], told: Sequence[Any]) -> None:
    """The newest of each, whatever the order in which they come: one statement.

    `told` are of one dataclass, whose fields are columns of the mapped class `table`, `version` and its primary key of
    one column among them. Written in the order of their keys, so that two who keep the same never wait for each other.
    """
    if not told:
        return
    key = inspect(table).primary_key[0].name
    rows: list[dict[str, Any]] = sorted(map(asdict, told), key=lambda row: row["version"])
    newest = {row[key]: row for row in rows}
    kept = insert(table).values([newest[id_] for id_ in sorted(newest)])
    changed = {field.name: kept.excluded[field.name] for field in fields(told[0]) if field.name != key}
    newer = table.version < kept.excluded["version"]
    await session.execute(kept.on_conflict_do_update(index_elements=[key], set_=changed, where=newer))
