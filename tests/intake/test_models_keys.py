"""A lead's key: 32 bytes until it is destroyed, and then none."""

from typing import Any

import asyncpg
import pytest

from chassis.ids import new_id
from tests.intake.samples import NOW
from tests.intake.test_models import LEAD, insert, tables

__all__ = ["tables"]


def key(**changes: Any) -> dict[str, Any]:
    return {"lead_id": LEAD, "key": b"k" * 32, "created_at": NOW, **changes}


class TestLeadKeys:
    async def test_are_one_to_a_lead_and_can_be_destroyed(self, tables: asyncpg.Connection) -> None:
        await insert(tables, "lead_keys", key())
        await tables.execute("UPDATE lead_keys SET key = NULL, destroyed_at = $1", NOW)
        with pytest.raises(asyncpg.UniqueViolationError):
            await insert(tables, "lead_keys", key())

    @pytest.mark.parametrize(
        "changes", [{"key": None}, {"destroyed_at": NOW}, {"key": b"k" * 31}, {"key": b""}], ids=str
    )
    async def test_are_whole_or_destroyed(self, tables: asyncpg.Connection, changes: dict[str, Any]) -> None:
        with pytest.raises(asyncpg.CheckViolationError):
            await insert(tables, "lead_keys", key(**changes))

    async def test_are_of_leads_that_there_are(self, tables: asyncpg.Connection) -> None:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await insert(tables, "lead_keys", key(lead_id=new_id()))
