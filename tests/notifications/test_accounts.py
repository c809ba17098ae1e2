"""Sender accounts at work: who sends, who rests, and what an operator can do about it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from deploy.local.smtp_sink.faults import Action, Fault, Stage
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications.commands.accounts import change_account, resume_account, suspend_account
from services.notifications.domain.messages import MailClass
from services.notifications.errors import SenderAccountExists
from services.notifications.settings import Settings
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import NOW, OPERATOR, account, draft, message, one, queue, rows, states


async def health(database: Database, account_id: UUID) -> tuple[str, str | None]:
    row = await one(database, "SELECT state, reason FROM sender_accounts WHERE id = :id", id=account_id)
    return row["state"], row["reason"]


async def only(database: Database, sender_of: MakeSender) -> UUID:
    """The default account, brought about by a sender's first step."""
    await sender_of(database, FakeGateway()).step()
    return UUID(str((await one(database, "SELECT id FROM sender_accounts"))["id"]))


def recipients(number: int) -> list[str]:
    return [f"person{n}@example.test" for n in range(number)]


class TestRotation:
    async def test_two_accounts_share_by_weight(
        self, database: RolledBackDatabase, sender_of: MakeSender, tmp_path: Path
    ) -> None:
        await only(database, sender_of)
        await account(database, "second", weight=3, secret_name="SMTP_URL_SECOND")
        (tmp_path / "SMTP_URL_SECOND").write_text("smtp://second.example.test\n")
        gateway = FakeGateway()
        await queue(database, *(draft(to) for to in recipients(40)))
        await run_until_idle(sender_of(database, gateway))
        senders = [mail.sender for mail in gateway.mailbox]
        assert senders.count("second@waybill.example") == 30
        assert senders.count("no-reply@waybill.example") == 10

    async def test_a_thread_keeps_its_sender(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        await only(database, sender_of)
        await account(database, "second", weight=100)
        thread = UUID(int=9)
        gateway = FakeGateway()
        sender = sender_of(database, gateway)
        for send_no in range(1, 5):
            await queue(
                database, draft(thread_id=thread, subject_id=thread, send_no=send_no), *map(draft, recipients(5))
            )
            await run_until_idle(sender)
        assert len({mail.sender for mail in gateway.mailbox.find(to="leads@southernsun.example")}) == 1

    async def test_mail_of_a_class_that_none_carries_waits_and_holds_up_nothing(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        account_id = await only(database, sender_of)
        async with database.transaction() as session:
            await change_account(session, account_id, {"mail_classes": [MailClass.DIGEST]}, OPERATOR)
        await queue(database, draft())
        gateway = FakeGateway()
        await run_until_idle(sender_of(database, gateway))
        assert await states(database) == ["queued"]

    async def test_the_settings_decide_who_the_default_account_says_it_is(
        self, database: RolledBackDatabase, sender_of: MakeSender, settings: Settings
    ) -> None:
        await only(database, sender_of)
        renamed = settings.model_copy(update={"mail_from_address": "post@waybill.example"})
        await sender_of(database, FakeGateway(), renamed).step()
        assert (await one(database, "SELECT from_address FROM sender_accounts"))[
            "from_address"
        ] == "post@waybill.example"


class TestDailyCap:
    async def test_holds_over_portions_and_senders_and_ends_with_the_day(
        self, database: RolledBackDatabase, sender_of: MakeSender, settings: Settings, clock: FixedClock
    ) -> None:
        capped = settings.model_copy(update={"default_daily_cap": 10, "send_portion": 4})
        gateway = FakeGateway()
        senders = [sender_of(database, gateway, capped) for _ in range(2)]
        await queue(database, *map(draft, recipients(25)))
        for sender in senders:
            await run_until_idle(sender)
        assert len(gateway.mailbox) == 10
        kept = await one(database, "SELECT * FROM sender_accounts")
        assert (kept["state"], kept["reason"]) == ("throttled", "cap_reached")
        assert kept["next_change_at"].isoformat() == "2026-03-03T13:00:00+00:00"
        clock.advance(timedelta(hours=11))
        await run_until_idle(senders[0])
        assert len(gateway.mailbox) == 20

    async def test_two_senders_at_once_spend_it_once(
        self, own_database: Database, sender_of: MakeSender, settings: Settings
    ) -> None:
        capped = settings.model_copy(update={"default_daily_cap": 10, "send_portion": 4})
        gateway = FakeGateway()
        senders = [sender_of(own_database, gateway, capped) for _ in range(2)]
        await queue(own_database, *map(draft, recipients(25)))
        await asyncio.gather(*(run_until_idle(sender) for sender in senders))
        assert len(gateway.mailbox) == 10

    async def test_warns_at_nine_tenths(
        self, database: RolledBackDatabase, sender_of: MakeSender, settings: Settings
    ) -> None:
        capped = settings.model_copy(update={"default_daily_cap": 10})
        sender = sender_of(database, FakeGateway(), capped)
        await queue(database, *map(draft, recipients(9)))
        await run_until_idle(sender)
        await queue(database, draft())
        await sender._claim(0)
        kept = await one(database, "SELECT state, reason FROM sender_accounts")
        assert (kept["state"], kept["reason"]) == ("throttled", "cap_near")


class TestDeliveryFaults:
    async def test_another_account_takes_over_while_one_rests_and_one_mail_probes(
        self,
        database: RolledBackDatabase,
        sender_of: MakeSender,
        smtp_sink: SmtpSink,
        clock: FixedClock,
        tmp_path: Path,
    ) -> None:
        first = await only(database, sender_of)
        async with SmtpSink() as other_sink:
            (tmp_path / "SMTP_URL_SECOND").write_text(other_sink.url)
            second = await account(database, "second", secret_name="SMTP_URL_SECOND")
            await smtp_sink.stop_listening()
            sender = sender_of(database)
            await queue(database, *map(draft, recipients(10)))
            await run_until_idle(sender)
            assert await health(database, first) == ("cooldown", "delivery_faults")
            assert len(other_sink.mailbox) == 5
            await queue(database, *(draft(f"later{n}@example.test") for n in range(5)))
            await run_until_idle(sender)
            assert len(other_sink.mailbox) == 10
            await smtp_sink.listen()
            async with database.transaction() as session:
                await suspend_account(session, second, OPERATOR, "maintenance", NOW)
            clock.advance(timedelta(minutes=5))
            assert len(await sender._claim(10)) == 1
            assert (await health(database, first))[0] == "probing"
            await sender.close()

    async def test_a_probe_that_arrives_brings_the_account_back(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, clock: FixedClock
    ) -> None:
        account_id = await only(database, sender_of)
        await smtp_sink.stop_listening()
        sender = sender_of(database)
        await queue(database, *map(draft, recipients(6)))
        await run_until_idle(sender)
        assert await health(database, account_id) == ("cooldown", "delivery_faults")
        await smtp_sink.listen()
        clock.advance(timedelta(minutes=5))
        await run_until_idle(sender)
        assert await health(database, account_id) == ("active", None)
        assert len(smtp_sink.mailbox) == 6


class TestBounceRate:
    async def test_cools_down_and_counts_anew_after_a_good_probe(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        account_id = await only(database, sender_of)
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.REFUSE, times=4, recipient="@gone.example"))
        sender = sender_of(database, gateway)
        await queue(database, *map(draft, recipients(50)))
        await run_until_idle(sender)
        assert await health(database, account_id) == ("active", None)
        await queue(database, *(draft(f"{n}@gone.example") for n in range(4)))
        await run_until_idle(sender)
        assert await health(database, account_id) == ("cooldown", "bounce_rate")
        await queue(database, *(draft(f"more{n}@example.test") for n in range(20)))
        await run_until_idle(sender)
        assert len(gateway.mailbox) == 50
        clock.advance(timedelta(hours=1))
        await run_until_idle(sender)
        assert await health(database, account_id) == ("active", None)
        assert len(gateway.mailbox) == 70


class TestAuthentication:
    async def test_a_wrong_password_disables_the_account_and_marks_nobody(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        account_id = await only(database, sender_of)
        gateway = FakeGateway(accounts={"post": "right"})
        sender = sender_of(database, gateway)
        (message_id,) = await queue(database, draft())
        for _ in range(12):
            await run_until_idle(sender)
            clock.advance(timedelta(seconds=30))
        assert await health(database, account_id) == ("disabled", "authentication_failures")
        kept = await message(database, message_id)
        assert (kept["state"], kept["tries"], kept["attempts"]) == ("deferred", 0, 10)
        gateway.accounts.clear()
        async with database.transaction() as session:
            await resume_account(session, account_id, OPERATOR, "password mended", clock.now())
        await run_until_idle(sender)
        assert await health(database, account_id) == ("active", None)
        assert (await message(database, message_id))["state"] == "accepted"

    async def test_a_secret_that_is_nowhere_is_the_accounts_fault(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        account_id = await only(database, sender_of)
        async with database.transaction() as session:
            await change_account(session, account_id, {"secret_name": "SMTP_URL_NOWHERE"}, OPERATOR)
        (message_id,) = await queue(database, draft())
        await run_until_idle(sender_of(database))
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"], kept["tries"]) == ("deferred", "not_authenticated", 0)


class TestSecrets:
    @pytest.mark.parametrize("name", ["DATABASE_URL_BILLING", "SMTP_URL_../etc/passwd", "PATH", "smtp_url"])
    def test_no_other_secret_can_be_named(self, settings: Settings, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL_BILLING", "postgresql://secret")
        assert settings.smtp_secret(name) is None

    def test_the_environment_goes_before_files(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "SMTP_URL_SECOND").write_text("smtp://file.example.test")
        assert settings.smtp_secret("SMTP_URL_SECOND") == "smtp://file.example.test"
        monkeypatch.setenv("SMTP_URL_SECOND", "smtp://environment.example.test")
        assert settings.smtp_secret("SMTP_URL_SECOND") == "smtp://environment.example.test"


class TestOperators:
    async def test_names_are_given_once(self, database: RolledBackDatabase) -> None:
        await account(database, "first")
        with pytest.raises(SenderAccountExists):
            await account(database, "first")

    async def test_suspending_and_resuming_twice_is_once(self, database: RolledBackDatabase) -> None:
        account_id = await account(database)
        for _ in range(2):
            async with database.transaction() as session:
                await suspend_account(session, account_id, OPERATOR, "under review", NOW)
        assert await health(database, account_id) == ("suspended", "operator")
        for _ in range(2):
            async with database.transaction() as session:
                await resume_account(session, account_id, OPERATOR, "all is well", NOW)
        assert await health(database, account_id) == ("probing", "operator")
        actions = [row["action"] for row in await rows(database, "SELECT action FROM audit_entries ORDER BY id")]
        assert actions == ["add_sender_account", "suspend_sender_account", "resume_sender_account"]

    async def test_a_server_that_limits_us_is_given_less(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        account_id = await only(database, sender_of)
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.DEFER, stage=Stage.MAIL, answer="450 4.7.0 Slow down", times=1))
        await queue(database, draft())
        await run_until_idle(sender_of(database, gateway))
        assert await health(database, account_id) == ("throttled", "rate_limited")
