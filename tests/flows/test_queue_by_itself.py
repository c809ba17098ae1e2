"""The exception queue over all services: it tries again by itself, calls somebody, and what is rejected is closed."""

from datetime import timedelta
from typing import Any

import pytest

from tests.flows.people import Person, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

QUEUE = "/admin/dispatch-exceptions"
SENT = "SELECT count(*) FROM assignments WHERE lead_id = $1 AND status = 'sent'"
SETTLED = """SELECT count(*) FROM dispatch_exceptions WHERE lead_id = $1 AND resolution = 'retried'
             AND resolved_by = 'system'"""


async def _item(running: Running, lead_id: str) -> dict[str, Any]:
    """The lead's one item in the exception queue, as an operator is shown it."""

    async def queued() -> dict[str, Any]:
        page = await running.told("GET", "routing", QUEUE, params={"lead_id": lead_id})
        assert len(page["items"]) == 1
        item: dict[str, Any] = page["items"][0]
        return item

    return await running.until(queued)


def _move(running: Running, **by: int) -> None:
    running.system.clock.move_to(running.system.clock.now() + timedelta(**by))


class TestRetry:
    async def test_gives_the_lead_to_somebody_else_once_it_is_due(self, running: Running) -> None:
        service = new_service()
        first = await running.add_installer(service)
        async with running.mail_fault(action="refuse", recipient=first.email):
            lead_id = await running.take_lead(Person(), service)
            item = await _item(running, lead_id)
            assert (item["reason"], item["kind"], item["retries_left"]) == ("delivery_failed", "alarming", 3)
        second = await running.add_installer(service)
        _move(running, minutes=3)

        async def delivered() -> bool:
            return await running.number("routing", SENT, lead_id) == 1

        await running.until(delivered)
        assert await running.number("routing", SETTLED, lead_id) == 1
        assert len(await running.mails_to(second.email)) == 1


class TestEscalation:
    async def test_calls_operations_for_what_nobody_took(self, running: Running) -> None:
        lead_id = await running.take_lead(Person(), new_service())
        item = await _item(running, lead_id)
        _move(running, hours=9)

        async def escalated() -> bool:
            told = await running.told("GET", "routing", f"{QUEUE}/{item['id']}")
            return told["item"]["escalated_at"] is not None

        await running.until(escalated)

        async def alerted() -> bool:
            kind = """SELECT count(*) FROM messages WHERE subject_kind = 'dispatch.exception_escalated'
                      AND context::text LIKE $1"""
            return await running.number("notifications", kind, f"%{lead_id}%") == 1

        await running.until(alerted)


class TestReject:
    async def test_closes_the_lead_at_its_intake_and_here(self, running: Running) -> None:
        lead_id = await running.take_lead(Person(), new_service())
        item = await _item(running, lead_id)
        body = {"reason": "unplaceable", "note": "Nobody goes to the island"}
        await running.told("POST", "routing", f"{QUEUE}/{item['id']}/reject", json=body)

        async def closed() -> bool:
            lead = await running.told("GET", "intake", f"/admin/leads/{lead_id}")
            dispatch = await running.told("GET", "routing", f"/admin/leads/{lead_id}/dispatch")
            return bool(lead["status"] == "closed" and dispatch["status"] == "closed")

        await running.until(closed)
        parked = await running.parked()
        assert not any(parked.values())
