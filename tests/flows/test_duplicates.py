"""From a person who asks twice to the credit of who paid twice: intake holds, merges and asks, billing answers."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.flows.people import Person, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

SECONDS = 60
BILLED = "SELECT count(*) FROM lead_deliveries WHERE lead_id = $1 AND state = 'billable'"
STATUS = "SELECT count(*) FROM leads WHERE id = $1 AND status = $2"


async def _is(running: Running, lead_id: str, status: str) -> None:
    async def so() -> bool:
        return await running.number("intake", STATUS, UUID(lead_id), status) == 1

    await running.until(so, SECONDS)


async def _billed(running: Running, lead_id: str) -> None:
    async def so() -> bool:
        return await running.number("intake", BILLED, UUID(lead_id)) == 1

    await running.until(so, SECONDS)


class TestDuplicates:
    async def test_what_was_sold_twice_is_merged_and_credited(self, running: Running) -> None:
        service, person = new_service(), Person()
        for _ in range(2):
            await running.add_installer(service)
        first = await running.take_lead(person, service)
        await _billed(running, first)
        second = await running.take_lead(replace(person, phone=Person().phone, street=Person().street), service)
        await _billed(running, second)
        (pair,) = (await running.told("GET", "intake", f"/admin/duplicates?lead_id={second}"))["items"]
        assert (pair["other_id"], pair["reasons"]) == (first, ["same_email", "same_name"])
        had = "SELECT installer_id, assignment_id FROM lead_assignments WHERE lead_id = $1"
        (one,), (other,) = [await running.rows("intake", had, UUID(each)) for each in (first, second)]
        assert one["installer_id"] != other["installer_id"]
        body = {"loser_id": second, "reason_code": "asked_twice", "reason": "Sold twice"}
        asked = {**body, "credits": [str(other["assignment_id"])]}
        await running.told("POST", "intake", f"/admin/leads/{first}/merge-with-credits", json=asked)

        async def answered() -> dict[str, Any]:
            row = await running.row("intake", "SELECT * FROM credit_requests WHERE lead_id = $1", UUID(second))
            assert row["result"] is not None
            return row

        answer = await running.until(answered, SECONDS)
        assert (answer["result"], answer["deed"]) == ("voided", "merge")
        status = "SELECT event_status FROM delivery_events WHERE assignment_id = $1"
        assert (await running.row("billing", status, other["assignment_id"]))["event_status"] == "void"
        assert (await running.row("billing", status, one["assignment_id"]))["event_status"] != "void"

        async def told() -> bool:
            void = "SELECT count(*) FROM lead_deliveries WHERE lead_id = $1 AND state = 'void'"
            closed = "SELECT count(*) FROM dispatches WHERE lead_id = $1 AND closed_at IS NOT NULL"
            linked = "SELECT count(*) FROM lead_links WHERE lead_id = $1 AND kind = 'merged'"
            assert await running.number("intake", void, UUID(second)) == 1
            assert await running.number("routing", linked, UUID(second)) == 1
            return await running.number("routing", closed, UUID(second)) == 1

        await running.until(told, SECONDS)

    async def test_what_is_held_goes_to_nobody_until_it_is_released(self, running: Running) -> None:
        service, person = new_service(), Person()
        for _ in range(2):
            await running.add_installer(service)
        first = await running.take_lead(person, service)
        await _is(running, first, "delivered")
        second = await running.take_lead(replace(person, email=Person().email), service)
        await _is(running, second, "duplicate_review")
        known = "SELECT count(*) FROM dispatches WHERE lead_id = $1"
        assert await running.number("routing", known, UUID(second)) == 0
        await running.told(
            "POST", "intake", f"/admin/leads/{second}/release", json={"reason_code": "two_requests", "reason": "Again"}
        )
        await _is(running, second, "delivered")
        links = "SELECT count(*) FROM lead_links WHERE lead_id = $1 AND other_lead_id = $2 AND kind = 'same_person'"
        assert await running.number("routing", links, UUID(second), UUID(first)) == 1
