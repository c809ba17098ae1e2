"""Leads by webhook, on a real database and to a real receiver: billed once, whatever the receiver and we do."""

import asyncio
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest

from chassis.outbound import Limits
from contracts.routing import AssignmentSent
from services.routing.domain.states import AssignmentStatus, Channel, ExceptionReason
from services.routing.domain.webhooks import DeliveryState, Verdict
from tests.kit.webhook_sink import Sink, answers, dripping, endless, never, raw, webhook_sink
from tests.routing.arrangements import MIA, NOW, Floor
from tests.routing.webhooks import KEYS, MACHINE_NOW, Webhooks, sending


class TestALead:
    async def test_that_is_taken_is_billable_at_that_instant_and_once(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.floor.clock.advance(timedelta(seconds=2))
        await webhooks.send()
        await webhooks.send()
        [sent] = await webhooks.floor.events("assignment.sent")
        assert isinstance(sent, AssignmentSent)
        assert (sent.assignment_id, sent.channel, sent.sent_at) == (
            assignment_id,
            "webhook",
            NOW + timedelta(seconds=2),
        )
        assert len(webhooks.sink.received) == 1
        assert await webhooks.floor.counts(installer_id) == {"day": (0, 1), "week": (0, 1), "month": (0, 1)}
        assert await webhooks.log(assignment_id) == [("accepted", None, 200)]
        endpoint = await webhooks.endpoint(installer_id)
        assert endpoint.last_accepted_at == NOW + timedelta(seconds=2)

    async def test_is_told_whole_and_signed(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        assignment_id = await webhooks.given()
        await webhooks.send()
        [received] = webhooks.sink.received
        told = json.loads(received.body)
        assert told == {
            "type": "lead.assigned",
            "assignment_id": str(assignment_id),
            "lead_id": told["lead_id"],
            "product": "exclusive",
            "service": "solar-battery",
            "location": {"suburb": "Marrickville", "state": "NSW", "postcode": "2204"},
            "contact": MIA.model_dump(),
            "created_at": NOW.isoformat(),
        }
        headers = received.headers
        assert headers["webhook-id"] == str(assignment_id)
        assert headers["webhook-timestamp"] == str(int(MACHINE_NOW.timestamp()))
        secret = b64decode(KEYS.told(installer_id, 1).removeprefix("whsec_"))
        signed = f"{assignment_id}.{headers['webhook-timestamp']}.".encode() + received.body
        expected = b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"

    async def test_of_the_mail_is_not_sent_by_webhook(self, webhooks: Webhooks) -> None:
        await webhooks.floor.installer()
        await webhooks.given()
        await webhooks.send()
        assert webhooks.sink.received == []

    async def test_whose_person_is_erased_is_not_sent_and_counts_for_nobody(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        assignment_id = await webhooks.given()
        await webhooks.floor.rows_changed("DELETE FROM lead_contacts")
        await webhooks.send()
        assert webhooks.sink.received == []
        assert (await webhooks.delivery(assignment_id)).reason_code == "contact_erased"
        assert (await webhooks.endpoint(installer_id)).failures_in_row == 0

    async def test_leaves_no_person_in_any_table_but_the_contacts(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        await webhooks.given()
        webhooks.sink.answers = [answers(503, MIA.email.encode(), X_Person=MIA.name), answers(200, MIA.phone.encode())]
        await webhooks.send_all_tries()
        tables = await webhooks.floor.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        # Events of assignments carry the person while they are relayed.
        scanned = {row["tablename"] for row in tables if not row["tablename"].startswith(("lead_contacts", "outbox"))}
        assert scanned >= {"webhook_deliveries", "webhook_attempts", "delivery_log", "decisions", "audit_entries"}
        for table in scanned:
            told = str(await webhooks.floor.rows(f"SELECT * FROM {table}"))
            assert not any(word in told for word in (MIA.name, MIA.email, MIA.phone, MIA.street))


class TestAnAnswer:
    @pytest.mark.parametrize(
        "answer", [answers(202), answers(204), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")]
    )
    async def test_of_2xx_is_acceptance_whatever_its_body(self, webhooks: Webhooks, answer: object) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [answer]  # type: ignore[list-item]
        await webhooks.send()
        assert (await webhooks.delivery(assignment_id)).state is DeliveryState.ACCEPTED

    @pytest.mark.parametrize(
        ("status", "headers", "reason"),
        [
            (302, {"Location": "http://127.0.0.1/"}, "redirected"),
            (308, {"Location": "http://169.254.169.254/latest"}, "redirected"),
            (400, {}, "http_400"),
            (401, {}, "http_401"),
            (404, {}, "http_404"),
        ],
    )
    async def test_that_refuses_is_final_and_an_operator_sees_it(
        self, webhooks: Webhooks, status: int, headers: dict[str, str], reason: str
    ) -> None:
        installer_id = await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [answers(status, b"", **headers)]
        await webhooks.send_all_tries()
        assert len(webhooks.sink.received) == 1
        made = await webhooks.floor.only_assignment()
        assert (made.status, made.ended_reason) == (AssignmentStatus.FAILED, reason)
        item = await webhooks.floor.only_exception()
        assert item.reason is ExceptionReason.DELIVERY_FAILED
        assert item.detail == f"the lead's webhook to its installer failed: {reason}, HTTP {status}"
        assert await webhooks.floor.counts(installer_id) == {}
        assert await webhooks.log(assignment_id) == [("failed", reason, status)]

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
    async def test_of_not_now_is_tried_again_under_the_same_id(self, webhooks: Webhooks, status: int) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [answers(status), answers(200)]
        await webhooks.send()
        delivery = await webhooks.delivery(assignment_id)
        assert (delivery.state, delivery.next_attempt_at) == (DeliveryState.WAITING, NOW + timedelta(seconds=10))
        await webhooks.send()
        assert len(webhooks.sink.received) == 1
        webhooks.floor.clock.advance(timedelta(seconds=10))
        await webhooks.send()
        first, second = webhooks.sink.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(assignment_id)
        assert first.body == second.body
        assert await webhooks.log(assignment_id) == [("tried", f"http_{status}", status), ("accepted", None, 200)]

    async def test_says_how_long_to_wait_within_reason(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [answers(429, Retry_After="86400")]
        await webhooks.send()
        assert (await webhooks.delivery(assignment_id)).next_attempt_at == NOW + timedelta(minutes=10)

    async def test_that_never_comes_right_ends_after_five_tries(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [answers(503)]
        await webhooks.send_all_tries()
        assert [each.outcome for each in await webhooks.attempts(assignment_id)] == [Verdict.AGAIN] * 5
        assert (await webhooks.floor.only_assignment()).ended_reason == "webhook_exhausted"
        assert (await webhooks.floor.exceptions(is_open=True))[0].detail.endswith("webhook_exhausted, HTTP 503")

    async def test_of_gone_falls_back_to_mail(self, webhooks: Webhooks) -> None:
        installer_id = await webhooks.installer()
        await webhooks.given()
        webhooks.sink.answers = [answers(410)]
        await webhooks.send()
        rows = await webhooks.floor.rows("SELECT channel FROM installers WHERE id = :id", id=installer_id)
        assert rows == [{"channel": "mail"}]
        assert (await webhooks.floor.only_assignment()).ended_reason == "gone"
        [row] = await webhooks.floor.rows("SELECT actor_name, after FROM audit_entries WHERE reason_code = 'gone'")
        assert row == {"actor_name": "system", "after": {"channel": "mail"}}

    async def test_of_gone_from_an_address_that_was_changed_meanwhile_falls_back_to_nothing(
        self, webhooks: Webhooks
    ) -> None:
        installer_id = await webhooks.installer()
        await webhooks.given()
        until = asyncio.Event()

        async def gone(writer: asyncio.StreamWriter) -> None:
            await until.wait()
            writer.write(b"HTTP/1.1 410 Gone\r\n\r\n")

        webhooks.sink.answers = [gone]
        await webhooks.sender.step()
        await webhooks.set_channel(installer_id, Channel.WEBHOOK, webhooks.sink.url + "/new")
        until.set()
        await webhooks.send()
        rows = await webhooks.floor.rows("SELECT channel FROM installers WHERE id = :id", id=installer_id)
        assert rows == [{"channel": "webhook"}]


class TestABadReceiver:
    async def test_that_says_nothing_is_tried_again(self, floor: Floor, sink: Sink) -> None:
        async with sending(floor, sink, Limits(0.5, 0.2)) as webhooks:
            await webhooks.installer()
            assignment_id = await webhooks.given()
            sink.answers = [never(until := asyncio.Event())]
            await webhooks.send()
            until.set()
            assert (await webhooks.delivery(assignment_id)).reason_code == "timeout"

    async def test_that_drips_after_its_status_has_taken_it(self, floor: Floor, sink: Sink) -> None:
        async with sending(floor, sink, Limits(0.5, 0.3)) as webhooks:
            await webhooks.installer()
            assignment_id = await webhooks.given()
            sink.answers = [dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", until := asyncio.Event())]
            await webhooks.send()
            until.set()
            assert (await webhooks.delivery(assignment_id)).state is DeliveryState.ACCEPTED

    async def test_that_answers_with_megabytes_is_read_to_64_kb(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [endless(b"HTTP/1.1 200 OK\r\n\r\n")]
        await webhooks.send()
        [attempt] = await webhooks.attempts(assignment_id)
        assert (attempt.outcome, attempt.answer_bytes) == (Verdict.ACCEPTED, 65_536)

    async def test_does_not_hold_up_another(self, webhooks: Webhooks) -> None:
        """Of one installer no more than four are under way."""
        until = asyncio.Event()
        slow = await webhooks.installer(name="Slow")
        for _ in range(6):
            await webhooks.given()
        webhooks.sink.answers = [never(until)]
        await webhooks.sender.step()
        assert await webhooks.floor.rows("SELECT count(*) FROM webhook_deliveries WHERE state = 'sending'") == [
            {"count": 4}
        ]
        async with webhook_sink() as quick:
            await webhooks.floor.rows_changed("UPDATE installers SET status = 'paused' WHERE id = :id", id=slow)
            await webhooks.installer(quick.url, name="Quick")
            assignment_id = await webhooks.given()
            async with asyncio.timeout(20):
                while not quick.received:
                    await webhooks.sender.step()
            assert quick.received[0].headers["webhook-id"] == str(assignment_id)
        webhooks.sink.answers = [answers(200)]
        until.set()


class TestACancelledAssignment:
    async def test_that_waits_is_not_sent(self, webhooks: Webhooks) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        webhooks.sink.answers = [answers(503), answers(200)]
        await webhooks.send()
        await self.cancel(webhooks)
        webhooks.floor.clock.advance(timedelta(seconds=10))
        await webhooks.send()
        assert len(webhooks.sink.received) == 1
        assert (await webhooks.delivery(assignment_id)).state is DeliveryState.CANCELLED

    @pytest.mark.parametrize(("status", "state"), [(200, DeliveryState.ACCEPTED), (404, DeliveryState.CANCELLED)])
    async def test_while_it_is_sent_is_uncharged(self, webhooks: Webhooks, status: int, state: DeliveryState) -> None:
        await webhooks.installer()
        assignment_id = await webhooks.given()
        until = asyncio.Event()

        async def later(writer: asyncio.StreamWriter) -> None:
            await until.wait()
            writer.write(f"HTTP/1.1 {status} As told\r\nContent-Length: 0\r\n\r\n".encode())

        webhooks.sink.answers = [later]
        await webhooks.sender.step()
        await self.cancel(webhooks)
        until.set()
        await webhooks.send()
        assert (await webhooks.delivery(assignment_id)).state is state
        assert await webhooks.floor.events("assignment.sent") == []
        late = [i for i in await webhooks.floor.exceptions() if i.reason is ExceptionReason.DELIVERED_LATE]
        assert len(late) == (status == 200)
        if late:
            assert late[0].detail.startswith("the webhook was accepted")

    async def cancel(self, webhooks: Webhooks) -> None:
        await webhooks.floor.rows_changed(
            "UPDATE assignments SET status = 'cancelled', cap_state = 'given_back', ended_at = now()"
        )
