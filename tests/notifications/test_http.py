"""Notifications over HTTP: what operators see and do, and who may."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.http import route_guards
from contracts.identity import Capability, Role
from deploy.local.smtp_sink.faults import Action, Fault
from services.notifications import drafts
from services.notifications.commands.messages import Draft
from services.notifications.domain.purposes import MailPurpose
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity
from tests.kit.records import incoming
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.desk import Desk, answering, application, faults
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import NOW, account, assignment_created, draft, queue, rows


@pytest.fixture(scope="session")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def desk(database: RolledBackDatabase, identity: TestIdentity, clock: FixedClock) -> AsyncIterator[Desk]:
    async with answering(database, identity, clock) as desk:
        yield desk


@pytest.fixture
async def busy_desk(own_database: Database, identity: TestIdentity, clock: FixedClock) -> AsyncIterator[Desk]:
    """For what happens at once: real commits over several connections."""
    async with answering(own_database, identity, clock) as desk:
        yield desk


async def at_once(number: int, ask: Callable[[], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*(ask() for _ in range(number))))


async def refused_message(database: RolledBackDatabase, sender_of: MakeSender, mail: Draft | None = None) -> str:
    """The mail of a lead, unless another is given."""
    gateway = FakeGateway()
    gateway.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 Listed by a block list", times=1))
    (message_id,) = await queue(database, mail or drafts.lead_delivery(incoming(assignment_created())))
    await run_until_idle(sender_of(database, gateway))
    return str(message_id)


OURS = ("/admin/messages", "/admin/ops", "/admin/sender-accounts", "/admin/suppressions")
REPLY_ID = uuid4()
TICKET = {
    "subject": "Where is my invoice?",
    "requester_name": "Mia O'Brien",
    "requester_email": "Mia.OBrien@example.test",
    "body": "It was due last week.",
}
ACCOUNT = {
    "name": "second",
    "from_address": "post@waybill.example",
    "from_name": "Waybill",
    "secret_name": "SMTP_URL",
    "daily_cap": 500,
}


class TestWhoMay:
    def test_every_route_asks_for_its_capability(
        self, database: RolledBackDatabase, identity: TestIdentity, clock: FixedClock
    ) -> None:
        guards = {
            (guard.method, guard.path): guard.capability
            for guard in route_guards(application(database, identity, clock))
            if guard.path.startswith(OURS)
        }
        assert {capability for (method, _), capability in guards.items() if method == "GET"} == {Capability.READ_OPS}
        writes = {path: capability for (method, path), capability in guards.items() if method != "GET"}
        needs_access = {path for path, capability in writes.items() if capability == Capability.MANAGE_ADMIN_ACCESS}
        assert needs_access == {path for path in writes if path.startswith("/admin/sender-accounts")}
        rest = {capability for path, capability in writes.items() if path not in needs_access}
        assert rest == {Capability.WRITE_ROUTING}

    async def test_an_editor_adds_no_sender_account(self, desk: Desk) -> None:
        assert (await desk.ask("POST", "/admin/sender-accounts", Role.ADMIN, json=ACCOUNT)).status_code == 403


class TestMessages:
    async def test_are_found_by_what_they_are_about(self, desk: Desk, database: RolledBackDatabase) -> None:
        event = assignment_created()
        await queue(database, drafts.lead_delivery(incoming(event)), draft("other@example.test"))
        for wanted in (
            {"subject_id": str(event.assignment_id)},
            {"purpose": "lead_delivery"},
            {"recipient": "LEADS@southernsun.example"},
            {"purpose": "lead_delivery", "state": "queued", "created_from": NOW.isoformat()},
        ):
            (row,) = (await desk.get("/admin/messages", **wanted))["items"]
            assert (row["subject_id"], row["state"]) == (str(event.assignment_id), "queued")
        for nothing in ({"created_before": NOW.isoformat()}, {"state": "accepted"}, {"recipient": "x@example.test"}):
            assert (await desk.get("/admin/messages", **nothing))["items"] == []

    async def test_come_page_by_page(self, desk: Desk, database: RolledBackDatabase) -> None:
        ids = await queue(database, *(draft(f"p{n}@example.test") for n in range(5)))
        first = await desk.get("/admin/messages", limit=3)
        second = await desk.get("/admin/messages", limit=3, cursor=first["next"])
        assert [row["id"] for row in first["items"] + second["items"]] == [str(id_) for id_ in reversed(ids)]
        assert second["next"] is None

    async def test_show_their_wording_and_every_try(
        self, desk: Desk, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        shown = await desk.get(f"/admin/messages/{await refused_message(database, sender_of)}")
        assert (shown["state"], shown["reason_code"], shown["enhanced_status"]) == (
            "failed",
            "refused_by_policy",
            "5.7.1",
        )
        assert shown["subject"].startswith("Solar battery lead in Marrickville")
        assert "0412 345 678" in shown["text"]
        assert [attempt["response"] for attempt in shown["attempts"]] == ["5.7.1 Listed by a block list"]
        assert shown["available_actions"] == []
        answer = await desk.ask("POST", f"/admin/messages/{shown['id']}/retry", json={"reason": "off the block list"})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:lead_given_back")
        assert answer.json()["assignment_id"] == shown["subject_id"]

    async def test_of_an_unknown_template_show_no_wording(self, desk: Desk, database: RolledBackDatabase) -> None:
        (message_id,) = await queue(database, draft(context={}))
        shown = await desk.get(f"/admin/messages/{message_id}")
        assert (shown["subject"], shown["text"]) == (None, None)

    async def test_are_tried_again_and_audited(
        self, desk: Desk, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        message_id = await refused_message(database, sender_of, draft())
        assert (await desk.get(f"/admin/messages/{message_id}"))["available_actions"] == ["retry"]
        path = f"/admin/messages/{message_id}/retry"
        for _ in range(2):
            shown = await desk.post(path, {"reason": "off the block list"}, Role.EDITOR)
            assert (shown["state"], shown["tries"], shown["next_attempt_at"] is not None) == ("queued", 0, True)
        gateway = FakeGateway()
        await run_until_idle(sender_of(database, gateway))
        assert len(gateway.mailbox) == 1
        assert (await desk.ask("POST", path, json={"reason": "again"})).status_code == 409
        (entry,) = await rows(database, "SELECT action, before, reason_text, request_id FROM audit_entries")
        assert (entry["action"], entry["before"]["state"]) == ("retry_message", "failed")
        assert entry["reason_text"] == "off the block list"
        assert entry["request_id"]

    async def test_that_are_not_there_are_not_found(self, desk: Desk) -> None:
        assert (await desk.ask("GET", f"/admin/messages/{uuid4()}")).status_code == 404
        answer = await desk.ask("POST", f"/admin/messages/{uuid4()}/retry", json={"reason": "x"})
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:waybill:problem:not_found")

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("state", "lost"),
            ("created_from", "12345"),
            ("created_from", "2026-03-03T00:00:00"),
            ("created_from", "0001-01-01T00:00:00+14:00"),
            ("created_before", "9999-12-31T23:59:59-12:00"),
        ],
    )
    async def test_a_filter_of_the_wrong_form_is_told(self, desk: Desk, parameter: str, value: str) -> None:
        answer = await desk.ask("GET", "/admin/messages", params={parameter: value})
        assert (answer.status_code, list(faults(answer))) == (422, [parameter])


class TestTickets:
    async def test_from_the_question_to_the_close(
        self, desk: Desk, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        opened = await desk.post("/admin/ops/tickets", TICKET, Role.EDITOR)
        path = f"/admin/ops/tickets/{opened['id']}"
        assert (opened["state"], opened["requester_email"]) == ("open", "mia.obrien@example.test")
        replied = await desk.post(f"{path}/reply", {"body": "It is on its way.", "note": "Call back"}, Role.EDITOR)
        assert (replied["state"], replied["replies"]) == ("pending", 1)
        gateway = FakeGateway()
        await run_until_idle(sender_of(database, gateway))
        assert gateway.mailbox.find(to="mia.obrien@example.test", subject="Re: Where is my invoice?")
        closed = await desk.post(f"{path}/close", {}, Role.EDITOR)
        assert closed["state"] == "closed"
        shown = await desk.get(path)
        assert sorted(entry["kind"] for entry in shown["entries"]) == ["note", "reply", "request"]
        assert [row["id"] for row in (await desk.get("/admin/ops/tickets", state="closed"))["items"]] == [opened["id"]]
        assert (await desk.get("/admin/ops/tickets", state="open"))["items"] == []

    async def test_a_reply_sent_twice_is_one_mail(self, desk: Desk, database: RolledBackDatabase) -> None:
        opened = await desk.post("/admin/ops/tickets", TICKET)
        for _ in range(2):
            await desk.post(f"/admin/ops/tickets/{opened['id']}/reply", {"id": str(REPLY_ID), "body": "Yes."})
        assert len(await rows(database, "SELECT 1 FROM messages")) == 1

    async def test_asked_for_at_once_under_one_id_are_one(self, busy_desk: Desk) -> None:
        body = TICKET | {"id": str(uuid4())}
        answers = await at_once(6, lambda: busy_desk.ask("POST", "/admin/ops/tickets", json=body))
        assert [answer.status_code for answer in answers] == [201] * 6
        assert len((await busy_desk.get("/admin/ops/tickets"))["items"]) == 1

    @pytest.mark.parametrize(
        "change", [{"subject": "Other"}, {"requester_name": "Max"}, {"body": "Other"}, {"requester_email": "a@b.test"}]
    )
    async def test_of_one_id_and_another_content_are_refused(self, desk: Desk, change: dict[str, str]) -> None:
        body = TICKET | {"id": str(uuid4())}
        await desk.post("/admin/ops/tickets", body)
        await desk.post("/admin/ops/tickets", body)
        answer = await desk.ask("POST", "/admin/ops/tickets", json=body | change)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:id_taken")

    @pytest.mark.parametrize("change", [{"body": "No."}, {"note": "Other"}, {"closes": True}])
    async def test_a_reply_of_one_id_and_another_content_is_refused(self, desk: Desk, change: dict[str, Any]) -> None:
        opened = await desk.post("/admin/ops/tickets", TICKET)
        path, body = f"/admin/ops/tickets/{opened['id']}/reply", {"id": str(REPLY_ID), "body": "Yes.", "note": "Mine"}
        await desk.post(path, body)
        answer = await desk.ask("POST", path, json=body | change)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:id_taken")

    async def test_replies_to_two_tickets_at_once_under_one_id_are_one_reply(self, busy_desk: Desk) -> None:
        opened = [await busy_desk.post("/admin/ops/tickets", TICKET) for _ in range(2)]
        body = {"id": str(uuid4()), "body": "Yes."}
        answers = await asyncio.gather(
            *(busy_desk.ask("POST", f"/admin/ops/tickets/{one['id']}/reply", json=body) for one in opened)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]

    async def test_all_faults_are_told_at_once(self, desk: Desk) -> None:
        body = {"subject": "a\nb", "requester_email": "nobody", "body": "", "more": 1}
        answer = await desk.ask("POST", "/admin/ops/tickets", json=body)
        assert answer.status_code == 422
        assert faults(answer) == {
            "subject": "string_control_character",
            "requester_name": "missing",
            "requester_email": "email_invalid",
            "body": "string_too_short",
            "more": "extra_forbidden",
        }

    async def test_without_a_key_no_reply_is_signed(
        self, database: RolledBackDatabase, identity: TestIdentity, clock: FixedClock
    ) -> None:
        async with answering(database, identity, clock, environment="production") as desk:
            opened = await desk.post("/admin/ops/tickets", TICKET)
            answer = await desk.ask("POST", f"/admin/ops/tickets/{opened['id']}/reply", json={"body": "Yes."})
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:waybill:problem:ticket_signing_not_configured",
            )


class TestEmailHealth:
    async def test_tells_state_reason_and_figures(
        self, desk: Desk, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, recipient="@gone.example"))
        sender = sender_of(database, gateway)
        await queue(database, *(draft(f"p{n}@example.test") for n in range(3)), draft("x@gone.example"))
        await run_until_idle(sender)
        gateway.is_away = True
        await queue(database, *(draft(f"q{n}@example.test") for n in range(5)))
        await run_until_idle(sender)
        health = await desk.get("/admin/ops/email-health")
        (shown,) = health["accounts"]
        assert (shown["name"], shown["state"], shown["reason"]) == ("default", "cooldown", "delivery_faults")
        assert (shown["sends_24h"], shown["refusals_24h"], shown["bounce_rate"]) == (4, 1, 0.25)
        assert (shown["sends_today"], shown["daily_cap"], shown["faults_today"]) == (4, 50_000, 5)
        assert shown["next_change_at"] == (NOW + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
        assert (health["waiting"]["deferred"], health["waiting"]["overdue"]) == (5, 0)
        clock.advance(timedelta(minutes=6))
        health = await desk.get("/admin/ops/email-health")
        assert health["accounts"][0]["state"] == "probing"
        assert health["waiting"]["overdue"] == 5


class TestSenderAccounts:
    async def test_are_added_changed_suspended_and_resumed(self, desk: Desk, database: RolledBackDatabase) -> None:
        added = await desk.post("/admin/sender-accounts", ACCOUNT)
        path = f"/admin/sender-accounts/{added['id']}"
        assert (added["state"], added["mail_classes"]) == ("active", ["transactional"])
        changed = await desk.ask("PATCH", path, Role.SUPER_ADMIN, json={"daily_cap": 2000, "mail_classes": ["digest"]})
        assert (changed.json()["daily_cap"], changed.json()["mail_classes"]) == (2000, ["digest"])
        assert changed.json()["from_address"] == "post@waybill.example"
        suspended = await desk.post(f"{path}/suspend", {"reason": "complaints"})
        assert (suspended["state"], suspended["reason"]) == ("suspended", "operator")
        assert (await desk.post(f"{path}/resume", {"reason": "sorted out"}))["state"] == "probing"
        assert (await desk.get(path))["state"] == "probing"
        assert [row["name"] for row in (await desk.get("/admin/sender-accounts"))["items"]] == ["second"]
        actions = [row["action"] for row in await rows(database, "SELECT action FROM audit_entries ORDER BY id")]
        assert actions == [
            "add_sender_account",
            "change_sender_account",
            "suspend_sender_account",
            "resume_sender_account",
        ]

    async def test_a_name_is_given_once(self, desk: Desk, database: RolledBackDatabase) -> None:
        await account(database, "second")
        answer = await desk.ask("POST", "/admin/sender-accounts", Role.SUPER_ADMIN, json=ACCOUNT)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:sender_account_exists")

    async def test_of_one_name_at_once_are_one(self, busy_desk: Desk) -> None:
        answers = await at_once(
            6, lambda: busy_desk.ask("POST", "/admin/sender-accounts", Role.SUPER_ADMIN, json=ACCOUNT)
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
        made = [
            await busy_desk.post("/admin/sender-accounts", ACCOUNT | {"name": name}) for name in ("third", "fourth")
        ]
        renamed = await asyncio.gather(
            *(
                busy_desk.ask("PATCH", f"/admin/sender-accounts/{one['id']}", Role.SUPER_ADMIN, json={"name": "fifth"})
                for one in made
            )
        )
        assert sorted(answer.status_code for answer in renamed) == [200, 409]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"secret_name": "DATABASE_URL_BILLING"}, "string_pattern_mismatch"),
            ({"from_address": "no address"}, "email_invalid"),
            ({"daily_cap": 0}, "greater_than_equal"),
            ({"mail_classes": []}, "too_short"),
        ],
    )
    async def test_what_cannot_be_is_told(self, desk: Desk, change: dict[str, Any], code: str) -> None:
        answer = await desk.ask("POST", "/admin/sender-accounts", Role.SUPER_ADMIN, json=ACCOUNT | change)
        assert (answer.status_code, faults(answer)) == (422, dict.fromkeys(change, code))

    async def test_a_secret_that_is_nowhere_is_refused(self, desk: Desk) -> None:
        body = ACCOUNT | {"secret_name": "SMTP_URL_NOWHERE"}
        answer = await desk.ask("POST", "/admin/sender-accounts", Role.SUPER_ADMIN, json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:waybill:problem:smtp_secret_unknown")


class TestSuppressions:
    async def test_are_added_found_and_lifted_without_the_address(
        self, desk: Desk, database: RolledBackDatabase
    ) -> None:
        body = {"email": "Mia@example.test", "reason": "asked us to stop"}
        added = await desk.post("/admin/suppressions", body, Role.EDITOR)
        assert added["source"] == "operator"
        assert "mia" not in str(added | {"detail": ""}).lower()
        (found,) = (await desk.get("/admin/suppressions", email="mia@EXAMPLE.test", standing=True))["items"]
        assert found["id"] == added["id"]
        lifted = await desk.post(f"/admin/suppressions/{added['id']}/lift", {"reason": "came back"}, Role.EDITOR)
        assert (lifted["lifted_by"], lifted["lifted_reason"]) == ("Robin Field", "came back")
        assert (await desk.get("/admin/suppressions", standing=True))["items"] == []
        assert len((await desk.get("/admin/suppressions", standing=False))["items"]) == 1

    async def test_a_suppressed_mail_goes_out_only_by_an_override_with_a_reason(
        self, desk: Desk, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        await desk.post("/admin/suppressions", {"email": "leads@southernsun.example", "reason": "bounced"})
        (message_id,) = await queue(database, draft(purpose=MailPurpose.PAYOUT_RECEIPT))
        gateway = FakeGateway()
        await run_until_idle(sender_of(database, gateway))
        path = f"/admin/messages/{message_id}/retry"
        answer = await desk.ask("POST", path, json={"reason": "please"})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:address_suppressed")
        await desk.post(path, {"reason": "confirmed by telephone", "override_suppression": True})
        await run_until_idle(sender_of(database, gateway))
        assert len(gateway.mailbox) == 1
