"""When a sender dies, stalls or loses its database: nothing is lost, and what may have been sent is marked."""

import asyncio
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from deploy.local.paths import ROOT
from deploy.local.postgres import ServiceDatabase
from deploy.local.smtp_sink.faults import Action, Fault, Stage
from deploy.local.smtp_sink.server import SmtpSink
from services.notifications.commands.claims import Claimed
from services.notifications.sender import Sender
from services.notifications.settings import Settings
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import draft, message, published, queue, rows, states

pytestmark = pytest.mark.slow


async def take_in_hand(sender: Sender) -> list[Claimed]:
    await sender._keep_default_account()
    return await sender._claim(10)


async def let_leases_run_out(database: Database) -> None:
    """As if the machine's time had passed: the leases are on the database's clock."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE messages SET lease_until = clock_timestamp() - interval '1 s' WHERE state = 'sending'")
        )


class TestADeadProcess:
    async def test_what_it_had_in_hand_is_marked_and_sent_again(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        (message_id,) = await queue(database, draft())
        gateway = FakeGateway()
        dead, living = sender_of(database, gateway), sender_of(database, gateway)
        (claimed,) = await take_in_hand(dead)
        await dead._send(claimed)
        await run_until_idle(living)
        assert len(gateway.mailbox) == 1
        await let_leases_run_out(database)
        await run_until_idle(living)
        kept = await message(database, message_id)
        assert (kept["state"], kept["unknown_outcomes"], kept["tries"]) == ("accepted", 1, 1)
        first, second = gateway.mailbox
        assert first.message["Message-ID"] == second.message["Message-ID"]
        outcomes = await rows(database, "SELECT outcome FROM attempts ORDER BY attempt_no")
        assert [row["outcome"] for row in outcomes] == ["outcome_unknown", "accepted"]

    async def test_it_is_given_up_after_eighteen_deaths(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        (message_id,) = await queue(database, draft())
        dying = sender_of(database, FakeGateway())
        for _ in range(19):
            await take_in_hand(dying)
            await let_leases_run_out(database)
        kept = await message(database, message_id)
        assert (kept["state"], kept["reason_code"], kept["attempts"]) == ("failed", "tries_exhausted", 18)
        assert [told.envelope.type for told in await published(database)] == ["message.failed"]

    async def test_moving_business_time_takes_nothing_out_of_living_hands(
        self, database: RolledBackDatabase, sender_of: MakeSender, clock: FixedClock
    ) -> None:
        (message_id,) = await queue(database, draft())
        sender, other = sender_of(database, FakeGateway()), sender_of(database, FakeGateway())
        await take_in_hand(sender)
        clock.advance(timedelta(days=31))
        assert await take_in_hand(other) == []
        assert (await message(database, message_id))["unknown_outcomes"] == 0

    @pytest.mark.slow
    async def test_killed_between_the_servers_yes_and_the_record(
        self,
        fresh_database: Callable[[str], ServiceDatabase],
        sender_of: MakeSender,
        smtp_sink: SmtpSink,
    ) -> None:
        address = fresh_database("notifications")
        database = Database(create_engine(address.url, name="tests"), "/waybill/notifications")
        (message_id,) = await queue(database, draft())
        command = [sys.executable, "-m", "tests.notifications.dying_sender", address.url, smtp_sink.url]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        assert await process.wait() == -9
        assert len(smtp_sink.mailbox) == 1
        assert await states(database) == ["sending"]
        await let_leases_run_out(database)
        await run_until_idle(sender_of(database))
        first, second = smtp_sink.mailbox
        assert first.raw == second.raw
        kept = await message(database, message_id)
        assert (kept["state"], kept["unknown_outcomes"]) == ("accepted", 1)
        assert len(await published(database)) == 1
        await database.close()


class TestAStalledProcess:
    async def test_its_late_success_still_counts_and_once(
        self, database: RolledBackDatabase, sender_of: MakeSender
    ) -> None:
        (message_id,) = await queue(database, draft())
        gateway = FakeGateway()
        stalled, other = sender_of(database, gateway), sender_of(database, gateway)
        (late,) = await take_in_hand(stalled)
        await let_leases_run_out(database)
        (taken_over,) = await take_in_hand(other)
        stalled._unrecorded.append(await stalled._send(late))
        await stalled._record()
        assert (await message(database, message_id))["state"] == "accepted"
        gateway.faults.order(Fault(action=Action.REFUSE))
        other._unrecorded.append(await other._send(taken_over))
        await other._record()
        assert (await message(database, message_id))["state"] == "accepted"
        assert [told.envelope.type for told in await published(database)] == ["message.accepted"]

    async def test_its_late_failure_is_nobodys(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        (message_id,) = await queue(database, draft())
        gateway = FakeGateway()
        stalled, other = sender_of(database, gateway), sender_of(database, gateway)
        (late,) = await take_in_hand(stalled)
        await let_leases_run_out(database)
        await take_in_hand(other)
        gateway.faults.order(Fault(action=Action.REFUSE, times=1, answer="550 5.7.1 No"))
        stalled._unrecorded.append(await stalled._send(late))
        await stalled._record()
        assert (await message(database, message_id))["state"] == "sending"

    async def test_a_slow_server_does_not_cost_the_lease(
        self, database: RolledBackDatabase, sender_of: MakeSender, smtp_sink: SmtpSink, settings: Settings
    ) -> None:
        """The lease is shorter than the exchange: only renewing it keeps it."""
        smtp_sink.faults.order(Fault(action=Action.SLOW, stage=Stage.DATA, seconds=1.6, times=1))
        (message_id,) = await queue(database, draft())
        sender = sender_of(database, with_settings=settings.model_copy(update={"send_lease_seconds": 1.0}))
        await run_until_idle(sender)
        kept = await message(database, message_id)
        assert (kept["state"], kept["attempts"]) == ("accepted", 1)


class TestADatabaseThatIsAway:
    async def test_outcomes_are_kept_until_it_is_back(
        self, database: RolledBackDatabase, sender_of: MakeSender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (message_id,) = await queue(database, draft())
        gateway = FakeGateway()
        sender = sender_of(database, gateway)
        (claimed,) = await take_in_hand(sender)
        sender._unrecorded.append(await sender._send(claimed))
        with monkeypatch.context() as away:
            away.setattr(database, "transaction", _refuse)
            for _ in range(3):
                with pytest.raises(ConnectionRefusedError):
                    await sender.step()
        await run_until_idle(sender)
        assert (await message(database, message_id))["state"] == "accepted"
        assert len(gateway.mailbox) == 1


def _refuse() -> None:
    raise ConnectionRefusedError


class TestClosing:
    async def test_sees_what_is_under_way_to_its_end(self, database: RolledBackDatabase, sender_of: MakeSender) -> None:
        (message_id,) = await queue(database, draft())
        gateway = FakeGateway()
        gateway.faults.order(Fault(action=Action.SLOW, stage=Stage.DATA, seconds=0.3, times=1))
        sender = sender_of(database, gateway)
        assert await sender.step()
        assert (await message(database, message_id))["state"] == "sending"
        await sender.close()
        assert (await message(database, message_id))["state"] == "accepted"
