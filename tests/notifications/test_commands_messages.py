"""Messages: queued once, cancelled in time, tried again, and forgotten."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from deploy.local.smtp_sink.faults import Action, Fault
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications import drafts, retention
from services.notifications.commands.messages import cancel_messages, erase_contents, retry_message
from services.notifications.domain.purposes import MailPurpose
from services.notifications.errors import LeadGivenBack, MessageCancelled, MessageErased, MessageNotRetryable
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import (
    NOW,
    OPERATOR,
    assignment_created,
    draft,
    message,
    published,
    queue,
    rows,
    states,
)


class TestQueueMessages:
    async def test_two_at_once_make_one(self, own_database: Database) -> None:
        subjects = sorted(uuid4() for _ in range(50))
        both = [[draft(subject_id=subject) for subject in subjects] for _ in range(2)]
        await asyncio.gather(*(queue(own_database, *drafts_) for drafts_ in both))
        assert await states(own_database) == ["queued"] * 50


class TestCancelled:
    async def test_in_hand_it_is_not_tried_again(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        subject_id = uuid4()
        (message_id,) = await queue(database, draft(subject_id=subject_id))
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.DEFER))
        sender = sender_of(database, gateway)
        await sender._keep_default_account()
        (claimed,) = await sender._claim(1)
        async with database.transaction() as session:
            await cancel_messages(session, MailPurpose.PAYOUT_RECEIPT, [subject_id], clock.now())
        assert (await message(database, message_id))["state"] == "sending"
        sender._unrecorded.append(await sender._send(claimed))
        await run_until_idle(sender)
        assert (await message(database, message_id))["state"] == "cancelled"


class TestRetryMessage:
    async def test_a_failed_one_begins_its_tries_again(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 Listed", times=1))
        (message_id,) = await queue(database, draft())
        sender = sender_of(database)
        await run_until_idle(sender)
        for _ in range(2):
            async with database.transaction() as session:
                await retry_message(session, message_id, OPERATOR, "off the list", override_suppression=False, now=NOW)
        await run_until_idle(sender)
        types = [(told.envelope.type, told.envelope.aggregate_version) for told in await published(database)]
        assert types == [("message.failed", 1), ("message.accepted", 2)]

    async def test_refuses_what_did_not_fail(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        (message_id,) = await queue(database, draft())
        await run_until_idle(sender_of(database))
        async with database.transaction() as session:
            with pytest.raises(MessageNotRetryable):
                await retry_message(session, message_id, OPERATOR, "again", override_suppression=False, now=NOW)

    @pytest.mark.parametrize("override_suppression", [False, True])
    async def test_refuses_a_lead_whose_assignment_has_failed_with_its_mail(
        self, database: RolledBackDatabase, sender_of: MakeSender, override_suppression: bool
    ) -> None:
        """Routing may have given the lead to somebody else since: it is given out again from there."""
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 Listed", times=1))
        (message_id,) = await queue(database, drafts.lead_delivery(incoming(assignment_created())))
        await run_until_idle(sender_of(database, gateway))
        async with database.transaction() as session:
            with pytest.raises(LeadGivenBack):
                await retry_message(
                    session, message_id, OPERATOR, "off the list", override_suppression=override_suppression, now=NOW
                )
        await run_until_idle(sender_of(database, gateway))
        assert [told.envelope.type for told in await published(database)] == ["message.failed"]

    async def test_refuses_what_was_cancelled_while_it_was_in_hand(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        subject_id = uuid4()
        (message_id,) = await queue(database, draft(subject_id=subject_id))
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 No"))
        sender = sender_of(database, gateway)
        await sender._keep_default_account()
        (claimed,) = await sender._claim(1)
        async with database.transaction() as session:
            await cancel_messages(session, MailPurpose.PAYOUT_RECEIPT, [subject_id], clock.now())
        sender._unrecorded.append(await sender._send(claimed))
        await run_until_idle(sender)
        assert (await message(database, message_id))["state"] == "failed"
        async with database.transaction() as session:
            with pytest.raises(MessageCancelled):
                await retry_message(session, message_id, OPERATOR, "again", override_suppression=False, now=NOW)

    async def test_refuses_what_was_cancelled_after_it_had_failed(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 No"))
        subject_id = uuid4()
        (message_id,) = await queue(database, draft(subject_id=subject_id))
        await run_until_idle(sender_of(database, gateway))
        async with database.transaction() as session:
            await cancel_messages(session, MailPurpose.PAYOUT_RECEIPT, [subject_id], NOW)
            with pytest.raises(MessageCancelled):
                await retry_message(session, message_id, OPERATOR, "again", override_suppression=False, now=NOW)
        assert (await message(database, message_id))["state"] == "failed"

    async def test_refuses_what_can_never_arrive(self, database: RolledBackDatabase) -> None:
        (message_id,) = await queue(database, draft("nobody"))
        async with database.transaction() as session:
            with pytest.raises(MessageNotRetryable):
                await retry_message(session, message_id, OPERATOR, "again", override_suppression=False, now=NOW)


class TestErased:
    async def test_by_the_nightly_job_in_portions(
        self, database: RolledBackDatabase, sender_of: MakeSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "PORTION", 2)
        await queue(database, *(draft(f"p{n}@example.test") for n in range(5)))
        await run_until_idle(sender_of(database, FakeGateway()))
        job = retention.Retention(database, FixedClock(NOW), days=90)
        await job.run(NOW + timedelta(days=90))
        assert await rows(database, "SELECT 1 FROM messages WHERE erased_at IS NOT NULL") == []
        await job.run(NOW + timedelta(days=90, seconds=1))
        assert len(await rows(database, "SELECT 1 FROM messages WHERE erased_at IS NOT NULL")) == 5

    async def test_after_its_time_only_the_fact_is_left(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        settled, waiting = await queue(database, draft(), draft("other@example.test"))
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.DEFER, recipient="other@example.test"))
        await run_until_idle(sender_of(database, gateway))
        async with database.transaction() as session:
            assert await erase_contents(session, NOW + timedelta(days=1), 100, NOW) == 1
            assert await erase_contents(session, NOW + timedelta(days=1), 100, NOW) == 0
        kept = await message(database, settled)
        assert (kept["recipient_email"], kept["recipient_name"], kept["context"]) == (None, None, None)
        assert kept["recipient_hash"]
        assert kept["sha256"]
        assert (await message(database, waiting))["recipient_email"] == "other@example.test"
        responses = await rows(database, "SELECT response FROM attempts WHERE message_id = :id", id=settled)
        assert [row["response"] for row in responses] == [None]

    async def test_cannot_be_sent_again(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, answer="550 5.7.1 No"))
        (message_id,) = await queue(database, draft())
        await run_until_idle(sender_of(database, gateway))
        async with database.transaction() as session:
            await erase_contents(session, NOW + timedelta(days=1), 100, NOW)
            with pytest.raises(MessageErased):
                await retry_message(session, message_id, OPERATOR, "again", override_suppression=False, now=NOW)
