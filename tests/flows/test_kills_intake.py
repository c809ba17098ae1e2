"""Intake that dies while two leads are made one, or two again: all of it is there afterwards, or nothing."""

import asyncio
import os
import signal
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.flows.people import Person, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

RECOVERY_SECONDS = 60
TABLE = "lead_corrections"
"""Written to in the midst of either deed: the rows of the merge are there, its events and its audit are not yet."""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"
LEFT = """
    SELECT (SELECT count(*) FROM merges WHERE unmerged_at IS NULL) AS standing,
           (SELECT count(*) FROM merges WHERE unmerged_at IS NOT NULL) AS taken_apart,
           (SELECT count(*) FROM merge_fields) AS fields,
           (SELECT count(*) FROM lead_corrections) AS corrections,
           (SELECT count(*) FROM audit_entries WHERE subject_id = ANY ($1) AND action LIKE '%merge%') AS audited,
           (SELECT count(*) FROM leads WHERE merged_into IS NOT NULL) AS tombstones
"""


async def _left(running: Running, *lead_ids: str) -> dict[str, Any]:
    return await running.row("intake", LEFT, list(lead_ids))


async def _killed_at(running: Running, path: str, body: Any) -> None:
    """With SIGKILL, while it waits in its database for a lock that we hold."""
    owner = running.owners["intake"]
    async with owner.transaction():
        await owner.execute(f"LOCK TABLE {TABLE} IN EXCLUSIVE MODE")
        asked = asyncio.create_task(running.ask("POST", "intake", path, json=body))
        await running.until(partial(running.number, "intake", WAITING, TABLE))
        os.kill(running.child("intake").pid, signal.SIGKILL)

        async def mended() -> bool:
            return running.system.supervisor.mend(lambda _death: None)

        await running.until(mended)
    with pytest.raises(httpx.TransportError):
        await asked
    await running.until_ready("intake")


async def test_kill_of_a_merge_and_of_an_unmerge_leaves_all_or_nothing(running: Running) -> None:
    service, person = new_service(), Person()
    await running.add_installer(service)
    survivor, loser = [await running.take_lead(each, service) for each in (Person(), person)]
    sent = "SELECT count(*) FROM leads WHERE id = ANY ($1) AND status = 'delivered'"
    ids = [UUID(survivor), UUID(loser)]

    async def both_sent() -> bool:
        return await running.number("intake", sent, ids) == 2

    await running.until(both_sent, RECOVERY_SECONDS)
    before = await _left(running, survivor, loser)
    merge = {"loser_id": loser, "take_from_loser": ["name", "phone"], "reason_code": "asked_twice", "reason": "One"}
    await _killed_at(running, f"/admin/leads/{survivor}/merge", merge)
    assert await _left(running, survivor, loser) == before
    await running.told("POST", "intake", f"/admin/leads/{survivor}/merge", json=merge)
    merged = await _left(running, survivor, loser)
    assert {name: merged[name] - before[name] for name in before} == {
        "standing": 1,
        "taken_apart": 0,
        "fields": 2,
        "corrections": 1,
        "audited": 2,
        "tombstones": 1,
    }
    unmerge = {"reason_code": "two_people", "reason": "Mother and daughter"}
    await _killed_at(running, f"/admin/leads/{loser}/unmerge", unmerge)
    assert await _left(running, survivor, loser) == merged
    await running.told("POST", "intake", f"/admin/leads/{loser}/unmerge", json=unmerge)
    apart = await _left(running, survivor, loser)
    assert (apart["standing"], apart["taken_apart"]) == (before["standing"], before["taken_apart"] + 1)
    assert await running.number("intake", sent, ids) == 2

    async def is_open_again() -> bool:
        told = "SELECT count(*) FROM dispatches WHERE lead_id = $1 AND closed_at IS NULL AND status = 'delivered'"
        assert await running.number("routing", "SELECT count(*) FROM lead_links WHERE lead_id = $1", ids[1]) == 0
        return await running.number("routing", told, ids[1]) == 1 and await running.outboxes() == {}

    await running.until(is_open_again, RECOVERY_SECONDS)
    assert await running.parked() == {}
