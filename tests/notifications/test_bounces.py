"""Mails that came back after they were accepted: read, matched, and taken in once."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.clock import FixedClock
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import BounceClass
from services.notifications import drafts
from services.notifications.commands.messages import Draft
from services.notifications.corrections import lead_correction
from services.notifications.domain.bounces import read_notice
from services.notifications.queries.standings import undelivered
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import CSRF, TestIdentity
from tests.kit.records import incoming
from tests.kit.returned_mail import notification
from tests.notifications.arrangements import Mailroom
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.desk import Desk, answering
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import (
    DOMAIN,
    assignment_created,
    draft,
    lead_corrected,
    message,
    one,
    published,
    queue,
    rows,
)

PATH = "/admin/ops/bounces"


class TestReading:
    @pytest.mark.parametrize(
        ("status", "bounce_class", "reason"),
        [
            ("5.1.1", BounceClass.PERMANENT, "no_such_mailbox"),
            ("5.2.2 (mailbox full)", BounceClass.PERMANENT, "mailbox_full"),
            ("5.7.26", BounceClass.PERMANENT, "refused_by_policy"),
            ("5.6.1", BounceClass.PERMANENT, "content_refused"),
            ("5.0.0", BounceClass.PERMANENT, "recipient_refused"),
            ("4.4.7", BounceClass.TRANSIENT, "given_up"),
        ],
    )
    def test_tells_class_status_and_reason(self, status: str, bounce_class: BounceClass, reason: str) -> None:
        notice = read_notice(notification("<a@waybill.example>", status=status))
        assert notice is not None
        assert (notice.is_bounce, notice.bounce_class, notice.reason_code) == (True, bounce_class, reason)
        assert (notice.status, notice.header_ids) == (status.split(maxsplit=1)[0], ("<a@waybill.example>",))

    @pytest.mark.parametrize(
        ("action", "status"), [("delayed", "4.4.7"), ("delivered", "2.0.0"), ("relayed", "2.0.0"), ("failed", "2.1.5")]
    )
    def test_of_what_is_on_its_way_or_arrived_is_no_bounce(self, action: str, status: str) -> None:
        notice = read_notice(notification(action=action, status=status))
        assert notice is not None
        assert not notice.is_bounce

    def test_finds_the_original_wherever_it_is_named(self) -> None:
        id_, whole = uuid4(), notification("<a@waybill.example>")
        by_envelope = read_notice(notification(envelope=f"QQ314 {id_}", returned="Subject: none"))
        by_header = read_notice(
            notification(returned=f"Message-ID: <rewritten@relay.example>\nX-Waybill-Message: {id_}")
        )
        in_full = read_notice(whole.replace(b"text/rfc822-headers", b"message/rfc822"))
        assert by_envelope is not None
        assert by_header is not None
        assert in_full is not None
        assert (by_envelope.header_ids, by_envelope.ids, by_header.ids) == ((), (id_,), (id_,))
        assert in_full.header_ids == ("<a@waybill.example>",)

    def test_of_several_recipients_tells_the_worst(self) -> None:
        further = b"Action: delayed\nStatus: 4.4.7\n\nFinal-Recipient: rfc822; b@example.test\nAction: failed"
        notice = read_notice(notification(status="5.1.1").replace(b"Action: failed", further))
        assert notice is not None
        assert (notice.action, notice.status) == ("failed", "5.1.1")

    def test_of_mails_within_mails_without_end_is_none(self) -> None:
        assert (
            read_notice(
                b"Content-Type: multipart/report; boundary=b\n\n--b\n" + b"Content-Type: message/rfc822\n\n" * 9000
            )
            is None
        )

    @given(cut=st.integers(0, 900), noise=st.binary(max_size=40))
    def test_reads_whatever_comes_without_fault(self, cut: int, noise: bytes) -> None:
        whole = notification("<a@waybill.example>")
        notice = read_notice(whole[:cut] + noise + whole[cut:])
        assert notice is None or notice.status[0] in "245"


@pytest.fixture(scope="module")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def desk(database: RolledBackDatabase, identity: TestIdentity, clock: FixedClock) -> AsyncIterator[Desk]:
    async with answering(database, identity, clock) as desk:
        yield desk


async def put_in(desk: Desk, raw: bytes, role: Role = Role.EDITOR) -> httpx.Response:
    headers = desk.identity.headers(role) | {"content-type": "message/rfc822"}
    return await desk.client.post(PATH, content=raw, headers=headers)


@pytest.fixture
def accept(database: RolledBackDatabase, sender_of: MakeSender) -> Any:
    """Queues a mail and has a server take it over; answers its row."""

    async def accepted(mail: Draft | None = None) -> Any:
        (message_id,) = await queue(database, mail or drafts.lead_delivery(incoming(assignment_created())))
        await run_until_idle(sender_of(database, FakeGateway()))
        return await message(database, message_id)

    return accepted


class TestTakingIn:
    async def test_stands_is_told_suppressed_counted_and_audited_once(
        self, desk: Desk, database: RolledBackDatabase, accept: Any
    ) -> None:
        mail = await accept()
        for raw in (notification(mail["header_id"]),) * 2 + (notification(mail["header_id"], status="4.4.7"),):
            answer = await put_in(desk, raw)
            assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["id"], told["state"], told["standing"]) == (str(mail["id"]), "accepted", "bounced")
        assert (told["bounce_status"], told["reason_code"], told["available_actions"]) == (
            "5.1.1",
            "no_such_mailbox",
            [],
        )
        events = [each for each in await published(database) if each.envelope.type.startswith("message.")]
        assert [(each.envelope.type, each.envelope.aggregate_version) for each in events] == [
            ("message.accepted", 1),
            ("message.bounced", 2),
        ]
        said = json.loads(events[1].body)
        assert (said["subject_id"], said["bounce_class"], said["enhanced_status"]) == (
            str(mail["subject_id"]),
            "permanent",
            "5.1.1",
        )
        kept = await one(database, "SELECT address_hash, source, reason_code, detail FROM suppressions")
        assert tuple(kept.values()) == (mail["recipient_hash"], "smtp", "no_such_mailbox", "5.1.1")
        counted = await one(database, "SELECT sum(sends) AS sends, sum(refusals) AS refusals FROM sender_counts")
        assert (counted["sends"], counted["refusals"]) == (1, 1)
        entry = await one(database, "SELECT * FROM audit_entries WHERE action = 'take_bounce'")
        assert (entry["before"]["standing"], entry["after"]["standing"]) == ("accepted", "bounced")
        assert entry["subject_id"] == str(mail["id"])
        assert entry["request_id"] is not None

    async def test_operations_hear_of_a_lead_that_came_back(
        self, desk: Desk, database: RolledBackDatabase, accept: Any
    ) -> None:
        mail = await accept()
        await put_in(desk, notification(mail["header_id"], status="5.2.2"))
        alert = await one(database, "SELECT subject_kind, context FROM messages WHERE purpose = 'ops_alert'")
        assert alert["subject_kind"] == "message.bounced"
        assert alert["context"]["items"][0]["ids"] == {"assignment": str(mail["subject_id"])}
        # A mailbox that is full is one all the same.
        assert await rows(database, "SELECT * FROM suppressions") == []

    async def test_by_the_envelope_id_and_of_a_mail_about_an_assignment_it_is_told_that_it_came_back(
        self, desk: Desk, database: RolledBackDatabase, accept: Any
    ) -> None:
        mail = await accept(lead_correction(incoming(lead_corrected())))
        answer = await put_in(desk, notification(envelope=str(mail["id"]), status="4.4.7", returned="Subject: none"))
        assert (answer.json()["standing"], answer.json()["reason_code"]) == ("bounced", "given_up")
        told = [json.loads(each.body) for each in await published(database)]
        assert [(each["purpose"], each["outcome"], each.get("reason_code")) for each in told] == [
            ("lead_correction", "accepted", None),
            ("lead_correction", "bounced", "given_up"),
        ]

    async def test_of_a_reply_opens_its_ticket_again(
        self, desk: Desk, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        mailroom = Mailroom(database, clock)
        ticket_id = await mailroom.ticket()
        await mailroom.reply(ticket_id)
        await mailroom.send()
        mail = await one(database, "SELECT header_id FROM messages WHERE purpose = 'ticket_reply'")
        await put_in(desk, notification(mail["header_id"]))
        assert (await one(database, "SELECT state FROM tickets"))["state"] == "open"
        notes = await rows(database, "SELECT body FROM ticket_entries WHERE kind = 'note'")
        assert {"body": "The reply was not delivered: no_such_mailbox, 5.1.1."} in notes

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "no_delivery_status_notification"),
            (b"\x00\xff Content-Type: multipart/report", "no_delivery_status_notification"),
            (notification(status="unknown"), "no_delivery_status_notification"),
            (notification(action="delayed", status="4.4.1"), "not_bounced"),
            (notification(), "bounce_not_ours"),
            (notification(envelope="0199a000-0000-7000-8000-000000000035"), "bounce_not_ours"),
        ],
        ids=["nothing", "rubbish", "no status", "delayed", "a strangers", "a strangers envelope"],
    )
    async def test_what_is_none_of_ours_is_kept_out(
        self, desk: Desk, database: RolledBackDatabase, accept: Any, raw: bytes, code: str
    ) -> None:
        mail = await accept()
        answer = await put_in(desk, raw)
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:waybill:problem:{code}")
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await message(database, mail["id"]))["bounced_at"] is None
        assert await rows(database, "SELECT * FROM audit_entries WHERE action = 'take_bounce'") == []

    async def test_what_was_never_accepted_cannot_come_back(self, desk: Desk, database: RolledBackDatabase) -> None:
        (message_id,) = await queue(database, draft())
        answer = await put_in(desk, notification(f"<{message_id}@{DOMAIN}>"))
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:message_not_accepted")

    async def test_stands_among_what_was_not_delivered_until_another_takes_its_place(
        self, desk: Desk, database: RolledBackDatabase, clock: FixedClock, accept: Any
    ) -> None:
        for mail in (await accept(), other := await accept(draft("priya@example.test"))):
            assert (await put_in(desk, notification(mail["header_id"]))).status_code == 200
        # The lead's is told of by an alert: no other mail brings it there.
        assert await self._number(database) == 1
        clock.advance(timedelta(hours=1))
        await queue(database, draft("raman@example.test", subject_id=other["subject_id"], send_no=2), now=clock.now())
        assert await self._number(database) == 0

    async def _number(self, database: RolledBackDatabase) -> int:
        async with database.reading() as session:
            return (await undelivered(session)).number

    async def test_an_operator_puts_it_in_by_hand(self, desk: Desk, database: RolledBackDatabase, accept: Any) -> None:
        mail = await accept()
        desk.client.cookies.set(ACCESS_COOKIE, desk.identity.token_of(Role.EDITOR))
        assert 'action="/console/messages/bounce"' in (await desk.client.get("/console/messages/bounce")).text
        form = {"csrf": CSRF, "notification": notification(mail["header_id"]).decode()}
        answer = await desk.client.post("/console/messages/bounce", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/console/messages/{mail['id']}")
        page = (await desk.client.get(answer.headers["location"])).text
        for words in ("Accepted, and came back", "there is no such mailbox", "5.1.1", "put in the notification"):
            assert words in page
