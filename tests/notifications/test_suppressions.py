"""The suppression list: no path leads past it, and every way off it."""

import json
from datetime import timedelta

import pytest

from chassis.clock import FixedClock
from deploy.local.smtp_sink.faults import Action, Fault
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications.commands.messages import retry_message
from services.notifications.commands.suppressions import lift_suppression, suppress_address
from services.notifications.domain.purposes import MailPurpose
from services.notifications.errors import AddressSuppressed
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import (
    NOW,
    OPERATOR,
    draft,
    message,
    one,
    published,
    queue,
    rows,
    states,
)

ADDRESS = "leads@southernsun.example"


class TestSuppressed:
    @pytest.mark.parametrize("purpose", [p for p in MailPurpose if p is not MailPurpose.DIGEST])
    async def test_no_path_leads_to_a_suppressed_address(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, purpose: MailPurpose
    ) -> None:
        async with database.transaction() as session:
            await suppress_address(session, ADDRESS.upper(), OPERATOR, "asked us to", NOW, 30)
        await queue(database, draft(purpose=purpose))
        await run_until_idle(sender_of(database))
        assert await states(database) == ["suppressed"]
        assert len(smtp_sink.mailbox) == 0

    async def test_those_who_wait_are_told(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        async with database.transaction() as session:
            await suppress_address(session, ADDRESS, OPERATOR, "asked us to", NOW, 30)
        await queue(database, draft())
        await run_until_idle(sender_of(database))
        (told,) = await published(database)
        assert (told.envelope.type, json.loads(told.body)["reason_code"]) == ("message.failed", "suppressed")

    async def test_ends_after_its_time(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        async with database.transaction() as session:
            await suppress_address(session, ADDRESS, OPERATOR, "asked us to", NOW, 30)
        clock.advance(timedelta(days=30))
        await queue(database, draft(), now=clock.now())
        await run_until_idle(sender_of(database))
        assert len(smtp_sink.mailbox) == 1

    async def test_by_a_server_is_lifted_by_a_later_success(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, times=1))
        (message_id,) = await queue(database, draft())
        sender = sender_of(database)
        await run_until_idle(sender)
        async with database.transaction() as session:
            with pytest.raises(AddressSuppressed):
                await retry_message(session, message_id, OPERATOR, "try", override_suppression=False, now=NOW)
        async with database.transaction() as session:
            await retry_message(session, message_id, OPERATOR, "they asked", override_suppression=True, now=NOW)
        await run_until_idle(sender)
        assert len(smtp_sink.mailbox) == 1
        assert (await message(database, message_id))["override_reason"] == "they asked"
        kept = await one(database, "SELECT * FROM suppressions")
        assert (kept["lifted_at"], kept["lifted_reason"]) == (NOW, "delivered")

    async def test_by_an_operator_stands_whatever_a_mail_in_hand_comes_to(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, recipient="refused@example.test"))
        sender = sender_of(database, gateway)
        await sender._keep_default_account()
        await queue(database, draft("accepted@example.test"), draft("refused@example.test"))
        in_hand = await sender._claim(2)
        async with database.transaction() as session:
            for address in ("accepted@example.test", "refused@example.test"):
                await suppress_address(session, address, OPERATOR, "asked us to", clock.now(), 60)
        sender._unrecorded += [await sender._send(claimed) for claimed in in_hand]
        await run_until_idle(sender)
        assert sorted(await states(database)) == ["accepted", "failed"]
        kept = await rows(database, "SELECT source, reason_code, detail, lifted_at, expires_at FROM suppressions")
        assert [tuple(row.values()) for row in kept] == [
            ("operator", "operator", "asked us to", None, NOW + timedelta(days=60))
        ] * 2

    async def test_by_a_server_becomes_the_operators_where_one_asks_for_it_too(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE, times=1))
        await queue(database, draft())
        await run_until_idle(sender_of(database))
        async with database.transaction() as session:
            await suppress_address(session, ADDRESS, OPERATOR, "asked us to", NOW, 30)
        kept = await one(database, "SELECT source, detail FROM suppressions")
        assert (kept["source"], kept["detail"]) == ("operator", "asked us to")

    async def test_is_lifted_by_an_operator_with_a_reason(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink
    ) -> None:
        async with database.transaction() as session:
            standing = await suppress_address(session, ADDRESS, OPERATOR, "bounced elsewhere", NOW, 30)
        for _ in range(2):
            async with database.transaction() as session:
                await lift_suppression(session, standing.id, OPERATOR, "new mailbox", NOW)
        await queue(database, draft())
        await run_until_idle(sender_of(database))
        assert len(smtp_sink.mailbox) == 1
        actions = [row["action"] for row in await rows(database, "SELECT action FROM audit_entries ORDER BY id")]
        assert actions == ["suppress_address", "lift_suppression"]

    async def test_an_expired_one_makes_room_for_the_next(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        smtp_sink.faults.order(Fault(action=Action.REFUSE))
        sender = sender_of(database)
        for _ in range(2):
            await queue(database, draft(), now=clock.now())
            await run_until_idle(sender)
            clock.advance(timedelta(days=31))
        kept = await rows(database, "SELECT lifted_reason FROM suppressions ORDER BY created_at")
        assert [row["lifted_reason"] for row in kept] == ["expired", None]
