"""From the queue to the server and back: what is sent, what is tried again, what is told to whom."""

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import text

from chassis.causation import Cause
from chassis.clock import FixedClock
from chassis.database import Database
from chassis.telemetry.logs import start_logging
from deploy.local.smtp_sink.faults import Action, Fault, Stage
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications import drafts
from services.notifications.commands.documents import keep_documents
from services.notifications.domain.purposes import MailPurpose
from services.notifications.settings import Settings
from tests.kit.databases import RolledBackDatabase
from tests.kit.eventually import eventually
from tests.kit.records import TRACE, incoming
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import (
    NOW,
    PDF,
    assignment_created,
    document_rendered,
    draft,
    exception_raised,
    invoice_sent,
    message,
    one,
    published,
    queue,
    rows,
    states,
)

ADDRESS = "leads@southernsun.example"


async def change(database: Database, statement: str, **arguments: Any) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), arguments)


class TestAccepted:
    async def test_is_told_with_the_cause_it_came_from(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        event = assignment_created()
        (message_id,) = await queue(database, drafts.lead_delivery(incoming(event)))
        await run_until_idle(sender_of(database))
        (mail,) = smtp_sink.mailbox
        (told,) = await published(database)
        kept = await message(database, message_id)
        assert (kept["state"], kept["accepted_at"], kept["smtp_status"]) == ("accepted", NOW, 250)
        assert (told.envelope.type, told.envelope.aggregate_version) == ("message.accepted", 1)
        assert told.envelope.correlation_id == "0199a000-0000-7000-8000-00000000c0de"
        body = json.loads(told.body)
        assert (body["purpose"], body["subject_kind"], body["subject_id"]) == (
            "lead_delivery",
            "assignment",
            str(event.assignment_id),
        )
        assert mail.is_to(ADDRESS)

    async def test_one_trace_leads_from_the_request_to_the_mail(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        await queue(database, drafts.lead_delivery(incoming(assignment_created())))
        await run_until_idle(sender_of(database))
        (mail,) = smtp_sink.mailbox
        (told,) = await published(database)
        assert str(mail.message["traceparent"]).split("-")[1] == TRACE.split("-")[1]
        assert (told.envelope.traceparent or "").split("-")[1] == TRACE.split("-")[1]

    async def test_the_hash_of_what_was_sent_is_kept(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        (message_id,) = await queue(database, draft())
        await run_until_idle(sender_of(database))
        (mail,) = smtp_sink.mailbox
        assert (await message(database, message_id))["sha256"] == hashlib.sha256(mail.raw).hexdigest()

    async def test_a_replay_finds_it_sent(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        event = incoming(assignment_created())
        for _ in range(3):
            await queue(database, drafts.lead_delivery(event))
            await run_until_idle(sender_of(database))
        assert len(smtp_sink.mailbox) == 1

    async def test_an_alert_is_nobody_elses_affair(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        await queue(database, draft(purpose=MailPurpose.OPS_ALERT, context=alert_context()))
        await run_until_idle(sender_of(database))
        assert len(smtp_sink.mailbox) == 1
        assert await published(database) == []


def alert_context() -> dict[str, Any]:
    item = drafts.dispatch_exception(incoming(exception_raised())).as_context()
    return {"title": "Leads wait", "advice": "Assign them.", "count": 1, "items": [item]}


class TestInvoiceMail:
    async def test_carries_exactly_the_documents_bytes_each_time(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        document = document_rendered()
        async with database.transaction() as session:
            await keep_documents(session, [document], NOW)
        for send_no in (1, 2):
            await queue(database, drafts.invoice(incoming(invoice_sent(document, send_no=send_no)), "tax_invoice"))
        await run_until_idle(sender_of(database))
        assert [[part.content for part in mail.attachments] for mail in smtp_sink.mailbox] == [[PDF], [PDF]]


class TestRefused:
    async def test_for_good_it_fails_with_its_status_and_is_told(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE))
        (message_id,) = await queue(database, draft())
        await run_until_idle(sender_of(database))
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"]) == ("failed", "no_such_mailbox")
        assert (kept["smtp_status"], kept["enhanced_status"]) == (550, "5.1.1")
        (told,) = await published(database)
        assert told.envelope.type == "message.failed"
        assert (json.loads(told.body)["reason_code"], json.loads(told.body)["smtp_status"]) == ("no_such_mailbox", 550)

    async def test_a_missing_mailbox_is_suppressed_for_thirty_days(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE))
        await queue(database, draft())
        await run_until_idle(sender_of(database))
        kept = await one(database, "SELECT * FROM suppressions")
        assert (kept["reason_code"], kept["source"], kept["detail"]) == ("no_such_mailbox", "smtp", "5.1.1")
        assert kept["expires_at"] == NOW + timedelta(days=30)

    async def test_our_bad_reputation_suppresses_nobody(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 Listed"))
        await queue(database, draft())
        await run_until_idle(sender_of(database))
        assert await states(database) == ["failed"]
        assert await rows(database, "SELECT 1 FROM suppressions") == []


class TestDeferred:
    async def test_waits_five_minutes_and_then_longer(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.DEFER, times=2))
        (message_id,) = await queue(database, draft())
        sender = sender_of(database)
        await run_until_idle(sender)
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"], kept["next_attempt_at"]) == (
            "deferred",
            "deferred",
            NOW + timedelta(minutes=5),
        )
        clock.advance(timedelta(minutes=4, seconds=59))
        await run_until_idle(sender)
        assert (await message(database, message_id))["attempts"] == 1
        clock.advance(timedelta(seconds=1))
        await run_until_idle(sender)
        assert (await message(database, message_id))["next_attempt_at"] == clock.now() + timedelta(minutes=6.5)
        clock.advance(timedelta(minutes=7))
        await run_until_idle(sender)
        assert (await message(database, message_id))["state"] == "accepted"

    async def test_eighteen_tries_are_enough(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.DEFER))
        (message_id,) = await queue(database, draft())
        sender = sender_of(database)
        for _ in range(20):
            await run_until_idle(sender)
            clock.advance(timedelta(hours=8))
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"], kept["tries"]) == ("failed", "tries_exhausted", 18)
        assert kept["smtp_status"] == 451
        assert [told.envelope.type for told in await published(database)] == ["message.failed"]
        assert await rows(database, "SELECT 1 FROM suppressions") == []

    async def test_a_server_that_is_away_costs_the_person_nothing(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        await smtp_sink.stop_listening()
        (message_id,) = await queue(database, draft())
        await run_until_idle(sender_of(database))
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"]) == ("deferred", "unreachable")
        assert await rows(database, "SELECT 1 FROM suppressions") == []

    async def test_what_this_release_cannot_render_waits_for_one_that_can(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        (message_id,) = await queue(database, draft())
        await change(database, "UPDATE messages SET template_version = 999")
        sender = sender_of(database)
        await run_until_idle(sender)
        assert (await message(database, message_id))["reason_code"] == "not_rendered"
        await change(database, "UPDATE messages SET template_version = 1")
        clock.advance(timedelta(minutes=5))
        await run_until_idle(sender)
        assert len(smtp_sink.mailbox) == 1


@pytest.fixture
def log_lines() -> Iterator[StringIO]:
    """What a process of ours would write; whatever was configured before is put back."""
    root, hook, before = logging.getLogger(), sys.excepthook, structlog.get_config()
    handlers, level = list(root.handlers), root.level
    lines = StringIO()
    start_logging("notifications", "DEBUG", lines)
    yield lines
    logging.captureWarnings(False)
    structlog.configure(**before)
    root.handlers, sys.excepthook = handlers, hook
    root.setLevel(level)


class TestNothingPersonal:
    async def test_reaches_a_log_line(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, log_lines: StringIO
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, times=1, answer="550 5.1.1 <leads@southernsun.example> no"))
        await queue(database, drafts.lead_delivery(incoming(assignment_created())), draft(context={"expert": "Priya"}))
        await run_until_idle(sender_of(database))
        said = log_lines.getvalue()
        assert "mail_not_rendered" in said
        for secret in ("southernsun", "Mia", "Cadogan", "412345678", "0412", "Priya"):
            assert secret not in said


class TestManyMessages:
    async def test_two_hundred_go_out_over_few_connections(
        self, own_database: Database, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        await queue(own_database, *(draft(f"person{n}@example.test") for n in range(200)))
        started = monotonic()
        await run_until_idle(sender_of(own_database))
        assert len({mail.recipients for mail in smtp_sink.mailbox}) == len(smtp_sink.mailbox) == 200
        assert monotonic() - started < 20
        assert len(smtp_sink._sessions) <= 8

    async def test_a_lead_overtakes_what_can_wait(
        self, database: RolledBackDatabase, sender_of: MakeSender, settings: Settings
    ) -> None:
        await queue(database, *(draft(f"expert{n}@example.test") for n in range(20)))
        await queue(database, drafts.lead_delivery(incoming(assignment_created())))
        gateway = FakeGateway()
        await sender_of(database, gateway, settings.model_copy(update={"send_portion": 4})).step()
        assert gateway.mailbox.find(to=ADDRESS)


class TestTwoSenders:
    async def test_send_each_message_once(
        self, own_database: Database, sender_of: MakeSender, smtp_sink: SmtpSink, settings: Settings
    ) -> None:
        await queue(own_database, *(draft(f"person{n}@example.test") for n in range(150)))
        small = settings.model_copy(update={"send_portion": 10})
        senders = [sender_of(own_database, with_settings=small) for _ in range(2)]
        await asyncio.gather(*(run_until_idle(sender) for sender in senders))

        async def all_accepted() -> bool:
            return set(await states(own_database)) == {"accepted"}

        await eventually(all_accepted)
        assert len({mail.recipients for mail in smtp_sink.mailbox}) == len(smtp_sink.mailbox) == 150
        assert len(await published(own_database)) == 150


def cause() -> Cause:
    return Cause("a-correlation", str(UUID(int=7)), TRACE)


class TestLostAnswer:
    async def test_is_unknown_and_the_second_try_is_the_same_mail(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.DROP, stage=Stage.ACCEPTED, times=1))
        (message_id,) = await queue(database, draft(cause=cause()))
        sender = sender_of(database)
        await run_until_idle(sender)
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"], kept["unknown_outcomes"]) == ("deferred", "outcome_unknown", 1)
        clock.advance(timedelta(minutes=5))
        await run_until_idle(sender)
        first, second = smtp_sink.mailbox
        assert first.raw == second.raw
        assert (await message(database, message_id))["state"] == "accepted"
