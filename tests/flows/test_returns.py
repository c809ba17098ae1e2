"""A lead that its installer gives back: on to another, its place free, its credit finance's to agree to, once each."""

import asyncio
import os
import signal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import stripe

from deploy.local.demo.invoices import at_stripe
from deploy.local.demo.stage import ZONE, at, first_of_next_month
from tests.flows.people import Person, new_service
from tests.flows.running import Installer, Running
from tests.kit.returned_mail import notification

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

RECOVERY_SECONDS = 60
ASSIGNMENTS = "SELECT * FROM assignments WHERE lead_id = $1 ORDER BY created_at"
RETURN = "SELECT * FROM returns WHERE id = $1"


async def _delivered(running: Running, service: str) -> tuple[str, str]:
    """A lead's id and its assignment's, once it is delivered and stands in the ledger."""
    lead_id = await running.take_lead(Person(), service)

    async def in_the_ledger() -> str:
        rows = await running.rows("billing", "SELECT * FROM delivery_events WHERE lead_id = $1", UUID(lead_id))
        assert len(rows) == 1
        return str(rows[0]["assignment_id"])

    return lead_id, await running.until(in_the_ledger)


async def _ask(running: Running, assignment_id: str, code: str) -> str:
    body = {"id": str(uuid4()), "code": code, "words": "They say so", "channel": "phone"}
    asked = await running.told("POST", "routing", f"/admin/assignments/{assignment_id}/returns", json=body)
    return str(asked["id"])


async def _credit_is(running: Running, return_id: str, result: str) -> dict[str, Any]:
    async def answered() -> dict[str, Any]:
        row = await running.row("routing", RETURN, UUID(return_id))
        assert row["credit_result"] == result
        return row

    return await running.until(answered)


async def _returned_at_intake(running: Running, assignment_id: str, state: str) -> None:
    query = "SELECT count(*) FROM lead_assignments WHERE assignment_id = $1 AND return_state = $2"

    async def told() -> bool:
        return await running.number("intake", query, UUID(assignment_id), state) == 1

    await running.until(told)


class TestAcceptedReturn:
    async def test_sends_the_lead_on_and_its_credit_to_finance(self, running: Running) -> None:
        service = new_service()
        first = await running.add_installer(service)
        lead_id, assignment_id = await _delivered(running, service)
        second = await running.add_installer(service)
        return_id = await _ask(running, assignment_id, "outside_criteria")
        await _returned_at_intake(running, assignment_id, "asked")
        body = {"credit_reason": "system_fault"}
        await running.told("POST", "routing", f"/admin/returns/{return_id}/accept", json=body)

        async def sent_on() -> list[dict[str, Any]]:
            rows = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
            assert [row["status"] for row in rows] == ["returned", "sent"]
            return rows

        rows = await running.until(sent_on)
        assert [str(row["installer_id"]) for row in rows] == [first.id, second.id]
        assert rows[0]["cap_state"] == "released"
        await _credit_is(running, return_id, "proposed")
        await _returned_at_intake(running, assignment_id, "accepted")
        await running.told("POST", "billing", f"/admin/credit-proposals/{return_id}/agree")
        await _credit_is(running, return_id, "voided")
        assert await running.parked() == {}

    async def test_after_the_invoice_was_issued_is_credited_on_it(self, running: Running) -> None:
        service = new_service()
        installer = await running.add_installer(service, exclusive_cents=9_500)
        lead_id, assignment_id = await _delivered(running, service)
        return_id = await _ask(running, assignment_id, "contact_invalid")
        invoice_id = await _issue_its_month(running, installer)
        await running.told("POST", "routing", f"/admin/returns/{return_id}/accept", json={})
        await _credit_is(running, return_id, "proposed")
        await running.told("POST", "billing", f"/admin/credit-proposals/{return_id}/agree")
        credited = await _credit_is(running, return_id, "credited")
        assert str(credited["credit_invoice_id"]) == invoice_id
        invoice = await running.row("billing", "SELECT * FROM invoices WHERE id = $1", UUID(invoice_id))
        assert (invoice["subtotal_cents"], invoice["balance_cents"]) == (9_500, 0)
        (adjustment,) = await running.rows(
            "billing", "SELECT * FROM adjustments WHERE invoice_id = $1", UUID(invoice_id)
        )
        assert (adjustment["state"], adjustment["ex_gst_cents"]) == ("approved", 9_500)
        unbalanced = (
            "SELECT count(*) FROM (SELECT FROM journal_entries GROUP BY posting_id HAVING sum(amount_cents) <> 0) x"
        )
        assert await running.number("billing", unbalanced) == 0
        (released,) = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
        assert (released["status"], released["cap_release_reason"]) == ("returned", "invalid_lead")


async def _issue_its_month(running: Running, installer: Installer) -> str:
    """Drafts, types into Stripe and issues; the installer's invoice."""
    addresses = running.system.addresses
    assert addresses.stripe is not None
    month = running.system.clock.now().astimezone(ZONE).date()
    running.system.clock.move_to(at(first_of_next_month(month), 8))
    body = {"period": f"{month:%Y-%m}", "installer_ids": [installer.id]}
    await running.told("POST", "billing", "/admin/billing/generate-invoice-drafts", json=body)
    draft = await running.row("billing", "SELECT id FROM invoices WHERE account_id = $1", UUID(installer.id))
    path = f"/admin/billing/invoices/{draft['id']}"
    export = await running.told("GET", "billing", f"{path}/export")
    sdk = stripe.StripeClient(addresses.stripe.api_key, base_addresses={"api": addresses.stripe.api_base})
    number = await asyncio.to_thread(at_stripe, sdk, export)
    await running.told("POST", "billing", f"{path}/mark-issued", json={"stripe_invoice_id": number})
    return str(draft["id"])


class TestDeniedReturn:
    async def test_reaches_the_installers_mailbox_with_its_reason(self, running: Running) -> None:
        service = new_service()
        installer = await running.add_installer(service)
        _, assignment_id = await _delivered(running, service)
        await _ask(running, assignment_id, "out_of_area")

        async def told() -> dict[str, Any]:
            mails = [await running.mail(mail["id"]) for mail in await running.mails_to(installer.email)]
            answers = [mail for mail in mails if mail["subject"].startswith("Your return was not accepted")]
            assert len(answers) == 1
            return answers[0]

        answer = await running.until(told)
        for part in ("text", "html"):
            assert "was in your territory when it was given to you" in answer[part]
        await _returned_at_intake(running, assignment_id, "denied")
        await self._comes_back_after_all(running, installer, assignment_id)

    async def _comes_back_after_all(self, running: Running, installer: Installer, assignment_id: str) -> None:
        """The mail that had brought the lead: then it is nobody's word against another's any more."""
        delivery = await running.mail((await running.mails_to(installer.email))[0]["id"])
        raw = notification(delivery["headers"]["message-id"])
        for _ in range(2):
            told = await running.told("POST", "notifications", "/admin/ops/bounces", content=raw)
            assert told["standing"] == "bounced"

        async def is_known() -> bool:
            in_the_log = "SELECT count(*) FROM delivery_log WHERE assignment_id = $1 AND enhanced_status = '5.1.1'"
            of_the_lead = "SELECT count(*) FROM lead_messages WHERE assignment_id = $1 AND bounce_status = '5.1.1'"
            assert await running.number("routing", in_the_log, UUID(assignment_id)) == 1
            assert await running.number("intake", of_the_lead, UUID(assignment_id)) == 1
            return True

        await running.until(is_known)
        await _ask(running, assignment_id, "other")
        await _returned_at_intake(running, assignment_id, "accepted")
        assert await running.parked() == {}


class TestKilledInTheMidst:
    async def test_an_accept_is_done_wholly_or_not_at_all_and_can_be_done_again(self, running: Running) -> None:
        """Killed while it waits to write the next assignment: all before that is written, nothing committed."""
        service = new_service()
        await running.add_installer(service)
        lead_id, assignment_id = await _delivered(running, service)
        await running.add_installer(service)
        return_id = await _ask(running, assignment_id, "outside_criteria")
        accept = f"/admin/returns/{return_id}/accept"
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'decisions'::regclass"
        owner = running.owners["routing"]
        async with owner.transaction():
            await owner.execute("LOCK TABLE decisions IN EXCLUSIVE MODE")
            asked = asyncio.create_task(running.ask("POST", "routing", accept, json={}))
            await running.until(partial(running.number, "routing", waiting))
            os.kill(running.child("routing").pid, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                await asked
        await running.until(partial(_mended, running))
        await running.until_ready("routing")
        row = await running.row("routing", RETURN, UUID(return_id))
        (made,) = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
        assert (row["state"], made["status"], made["cap_state"]) == ("requested", "sent", "counted")
        await running.told("POST", "routing", accept, json={})

        async def sent_on() -> bool:
            rows = await running.rows("routing", ASSIGNMENTS, UUID(lead_id))
            return [each["status"] for each in rows] == ["returned", "sent"]

        await running.until(sent_on, RECOVERY_SECONDS)
        query = "SELECT count(*) FROM audit_entries WHERE action = 'accept_return' AND subject_id = $1"
        assert await running.number("routing", query, assignment_id) == 1


async def _mended(running: Running) -> bool:
    return running.system.supervisor.mend(lambda _death: None)
