"""A lead's way from its source's request to the ledger that bills it, and every turn off that way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from contracts.topics import LEADS
from tests.flows.people import Person, new_service, submission
from tests.flows.running import Installer, Running
from tests.flows.topics import records_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system")]

LEDGER = "SELECT * FROM delivery_events WHERE lead_id = $1"
ASSIGNMENTS = "SELECT * FROM assignments WHERE lead_id = $1"
OPEN_ITEMS = "SELECT * FROM dispatch_exceptions WHERE lead_id = $1 AND resolved_at IS NULL"


async def _billed(running: Running, lead_id: str, deliveries: int) -> list[dict[str, Any]]:
    """The lead's delivery events, once there are so many."""

    async def in_the_ledger() -> list[dict[str, Any]]:
        rows = await running.rows("billing", LEDGER, UUID(lead_id))
        assert len(rows) == deliveries
        return rows

    return await running.until(in_the_ledger)


async def _waiting_item(running: Running, lead_id: str) -> dict[str, Any]:
    """The lead's one item in the exception queue, as an operator is shown it."""

    async def queued() -> dict[str, Any]:
        page = await running.told("GET", "routing", "/admin/dispatch-exceptions", params={"lead_id": lead_id})
        assert len(page["items"]) == 1
        item: dict[str, Any] = page["items"][0]
        return item

    return await running.until(queued)


async def _status_of(running: Running, lead_id: str, status: str) -> dict[str, Any]:
    """What the lead's source is told, once it is told this status."""

    async def told() -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {running.source_key}"}
        answer = await running.client.get(running.url("intake", f"/leads/{lead_id}"), headers=headers)
        assert answer.json()["status"] == status
        progress: dict[str, Any] = answer.json()
        return progress

    return await running.until(told)


@asynccontextmanager
async def _auto_dispatch_off(running: Running) -> AsyncIterator[None]:
    switch = "/admin/auto-dispatch"
    await running.told("PUT", "routing", switch, json={"enabled": False, "reason": "Try the queue"})
    try:
        yield
    finally:
        await running.told("PUT", "routing", switch, json={"enabled": True, "reason": "Tried"})


class TestExclusiveLead:
    async def test_is_assigned_mailed_sent_and_billed_once_at_its_price(self, running: Running) -> None:
        service, person = new_service(), Person()
        installer = await running.add_installer(service, exclusive_cents=11_750)
        lead_id = await running.take_lead(person, service)
        (billed,) = await _billed(running, lead_id, 1)
        (assignment,) = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
        assert (assignment["status"], assignment["cap_state"]) == ("sent", "counted")
        assert str(assignment["installer_id"]) == installer.id
        assert (billed["assignment_id"], billed["installer_id"]) == (assignment["id"], assignment["installer_id"])
        assert (billed["product_type"], billed["unit_price_cents"]) == ("exclusive", 11_750)
        assert (billed["gst_treatment"], billed["event_status"], billed["cap_status"]) == (
            "taxable",
            "billable",
            "counted",
        )
        assert billed["delivered_at"] == assignment["sent_at"]
        progress = await _status_of(running, lead_id, "delivered")
        assert progress["outcome"] == "delivered"

    async def test_reaches_the_installer_with_all_that_is_needed_to_call_back(self, running: Running) -> None:
        service, person = new_service(), Person()
        installer = await running.add_installer(service)
        lead_id = await running.take_lead(person, service)
        await _billed(running, lead_id, 1)
        (mail,) = await running.mails_to(installer.email)
        read = await running.mail(mail["id"])
        for said in (person.name, person.email, person.street, "Marrickville", "2204"):
            assert said in read["text"]
            assert said in read["html"]
        assert person.e164[-9:] in "".join(filter(str.isdigit, read["text"]))
        message = await running.row("notifications", "SELECT * FROM messages WHERE header_id = $1", mail["message_id"])
        assert (message["state"], message["purpose"]) == ("accepted", "lead_delivery")

    async def test_keeps_the_decision_with_each_candidate_and_its_verdicts(self, running: Running) -> None:
        service = new_service()
        installers = [await running.add_installer(service) for _ in range(2)]
        lead_id = await running.take_lead(Person(), service)
        await _billed(running, lead_id, 1)
        told = await running.told("GET", "routing", f"/admin/leads/{lead_id}/decisions")
        (decision,) = told["items"] if isinstance(told, dict) else told
        shown = {candidate["installer_id"] for candidate in decision["candidates"]}
        assert {installer.id for installer in installers} <= shown
        assert all(candidate["verdicts"] for candidate in decision["candidates"])


class TestSharedLead:
    async def test_is_sent_to_three_and_billed_to_each_at_the_price_of_each(self, running: Running) -> None:
        service, person = new_service(), Person()
        installers = [await running.add_installer(service, shared_cents=4_000 + 111 * n) for n in range(4)]
        lead_id = await running.take_lead(person, service, selected_path="compare_quotes")
        billed = await _billed(running, lead_id, 3)
        prices = {installer.id: installer.shared_cents for installer in installers}
        assert {row["product_type"] for row in billed} == {"shared"}
        assert [row["unit_price_cents"] for row in billed] == [prices[str(row["installer_id"])] for row in billed]
        assert len({row["installer_id"] for row in billed}) == 3
        assignments = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
        assert sorted(row["share_no"] for row in assignments) == [1, 2, 3]
        await self._each_got_one_mail(running, installers, billed)

    async def _each_got_one_mail(
        self, running: Running, installers: list[Installer], billed: list[dict[str, Any]]
    ) -> None:
        chosen = {str(row["installer_id"]) for row in billed}
        counts = {installer.id: len(await running.mails_to(installer.email)) for installer in installers}
        assert counts == {installer.id: int(installer.id in chosen) for installer in installers}


class TestRefusedRecipient:
    async def test_fails_the_assignment_queues_the_lead_and_alerts_operations(self, running: Running) -> None:
        service = new_service()
        installer = await running.add_installer(service)
        async with running.mail_fault(action="refuse", recipient=installer.email):
            lead_id = await running.take_lead(Person(), service)
            item = await _waiting_item(running, lead_id)
        assert item["reason"] == "delivery_failed"
        assert "no_such_mailbox" in item["detail"]
        (assignment,) = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
        assert (assignment["status"], assignment["cap_state"]) == ("failed", "given_back")
        assert assignment["ended_reason"] == "no_such_mailbox"
        assert item["assignment_id"] == str(assignment["id"])
        alert = await running.alert_about(lead_id)
        assert str(assignment["id"]) in alert["text"]
        assert await running.mails_to(installer.email) == []
        assert await running.rows("billing", LEDGER, UUID(lead_id)) == []
        await _status_of(running, lead_id, "exception")


class TestAutoDispatchOff:
    async def test_queues_the_lead_until_an_operator_assigns_it_by_hand(self, running: Running) -> None:
        service = new_service()
        installer = await running.add_installer(service, exclusive_cents=8_888)
        async with _auto_dispatch_off(running):
            lead_id = await running.take_lead(Person(), service)
            item = await _waiting_item(running, lead_id)
        assert item["reason"] == "auto_dispatch_off"
        assert await running.rows("routing", ASSIGNMENTS, UUID(lead_id)) == []
        await running.alert_about(lead_id)
        by_hand = {"installer_ids": [installer.id], "reason": "The only one there"}
        await running.told("POST", "routing", f"/admin/dispatch-exceptions/{item['id']}/assign", json=by_hand)
        (billed,) = await _billed(running, lead_id, 1)
        assert billed["unit_price_cents"] == 8_888
        assert await running.rows("routing", OPEN_ITEMS, UUID(lead_id)) == []
        await _status_of(running, lead_id, "delivered")

    async def test_is_switched_by_a_named_operator_with_a_reason(self, running: Running) -> None:
        query = "SELECT * FROM audit_entries WHERE subject_kind = 'auto_dispatch' ORDER BY id DESC LIMIT 2"
        async with _auto_dispatch_off(running):
            pass
        on, off = await running.rows("routing", query)
        assert (off["reason_text"], on["reason_text"]) == ("Try the queue", "Tried")
        assert off["actor_id"] == on["actor_id"] is not None


class TestLeadWithoutInstaller:
    async def test_waits_in_the_queue_and_operations_hear_of_it(self, running: Running) -> None:
        lead_id = await running.take_lead(Person(), new_service())
        item = await _waiting_item(running, lead_id)
        assert item["reason"] == "no_coverage"
        alert = await running.alert_about(lead_id)
        assert "no_coverage" in alert["text"]
        await _status_of(running, lead_id, "exception")


class TestUnpricedDelivery:
    async def test_is_held_and_operations_hear_of_it_until_there_is_a_plan(self, running: Running) -> None:
        service = new_service()
        installer = await running.add_installer(service, priced=False)
        lead_id = await running.take_lead(Person(), service)
        await running.alert_about(lead_id)
        assert await running.rows("billing", LEDGER, UUID(lead_id)) == []
        await running.set_prices(installer)
        (billed,) = await _billed(running, lead_id, 1)
        (assignment,) = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
        assert (billed["unit_price_cents"], billed["delivered_at"]) == (
            installer.exclusive_cents,
            assignment["sent_at"],
        )


class TestRepeatedPost:
    async def test_gives_the_first_answer_again_and_says_so(self, running: Running) -> None:
        body = submission(Person(), new_service())
        first, again = await running.post_lead(body), await running.post_lead(body)
        assert (first.status_code, again.status_code) == (202, 202)
        assert again.json() == first.json()
        assert again.headers["location"] == first.headers["location"] == f"/leads/{first.json()['id']}"
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"

    async def test_with_other_content_is_a_conflict(self, running: Running) -> None:
        body = submission(Person(), new_service())
        first = await running.post_lead(body)
        other = await running.post_lead({**body, "selected_path": "compare_quotes"})
        assert other.status_code == 409
        assert other.json()["lead_id"] == first.json()["id"]

    async def test_a_hundred_at_once_make_one_lead_and_one_event(self, running: Running) -> None:
        body = submission(Person(), new_service())
        answers = await asyncio.gather(*(running.post_lead(body) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {202}
        (lead_id,) = {answer.json()["id"] for answer in answers}
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
        query = "SELECT count(*) FROM leads WHERE submission_key = $1"
        assert await running.number("intake", query, body["client_submission_key"]) == 1

        screened = "SELECT count(*) FROM lead_status_changes WHERE lead_id = $1 AND to_status = 'routable'"

        async def all_published() -> bool:
            assert await running.number("intake", screened, UUID(lead_id)) == 1
            return not await running.number("intake", "SELECT count(*) FROM outbox")

        await running.until(all_published)
        records = await records_of(running.kafka, LEADS.name, lead_id.encode())
        assert [dict(record.headers)["ce_type"] for record in records] == [b"lead.created"]
