"""Intake dies while it erases a person: all of it is done, or nothing; and once it is done everybody has forgotten."""

import asyncio
import os
import signal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.faults.scanning import found_in_tables
from tests.flows.people import Person, new_service
from tests.flows.running import Running
from tests.kit.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

RECOVERY_SECONDS = 60
BILLED = "SELECT count(*) FROM delivery_events WHERE lead_id = $1"
# A table that it writes to before its end, and the one that it writes to last.
HELD_AT = ("follow_ups", "erasures")
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"


def erasing(lead_id: str) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "lead_ids": [lead_id],
        "asked_via": "person",
        "reason_code": "objected",
        "note": "Asked by letter",
    }


async def _kill(running: Running) -> None:
    os.kill(running.child("intake").pid, signal.SIGKILL)

    async def mended() -> bool:
        return running.system.supervisor.mend(lambda _death: None)

    await running.until(mended)
    await running.until_ready("intake")


class TestKill:
    @pytest.mark.parametrize("table", HELD_AT)
    async def test_in_the_midst_of_an_erasure_leaves_all_of_it_or_nothing(self, running: Running, table: str) -> None:
        service, person = new_service(), Person()
        await running.add_installer(service)
        lead_id = await running.take_lead(person, service)
        await running.until(lambda: running.number("billing", BILLED, UUID(lead_id)))
        owner = running.owners["intake"]
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            asked = asyncio.create_task(running.ask("POST", "intake", "/admin/erasures", json=erasing(lead_id)))
            await running.until(partial(running.number, "intake", WAITS, table))
            await _kill(running)
        (answer,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(answer, httpx.TransportError)
        lead = await running.row("intake", "SELECT name, erased_at FROM leads WHERE id = $1", UUID(lead_id))
        assert lead == {"name": person.name, "erased_at": None}
        key = await running.row("intake", "SELECT key FROM lead_keys WHERE lead_id = $1", UUID(lead_id))
        assert key["key"] is not None
        consent = await running.row("intake", "SELECT text FROM consents WHERE lead_id = $1", UUID(lead_id))
        assert consent["text"]
        await running.told("POST", "intake", "/admin/erasures", json=erasing(lead_id))
        await eventually(partial(self._is_forgotten, running, person), RECOVERY_SECONDS)
        assert await running.number("billing", BILLED, UUID(lead_id)) == 1

    async def _is_forgotten(self, running: Running, person: Person) -> bool:
        words = [person.name, person.email, person.e164, person.street]
        owners: Any = running.owners
        found = await found_in_tables(owners, words)
        assert found == []
        return True
