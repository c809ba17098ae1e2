"""What the gauges of mail say of accounts and of the queue."""

from datetime import timedelta
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from services.notifications.commands.accounts import change_account, resume_account, suspend_account
from services.notifications.measures import measure_mail
from tests.kit.databases import RolledBackDatabase
from tests.kit.metrics import gauge
from tests.notifications.conftest import MakeSender, run_until_idle
from tests.notifications.fake_gateway import FakeGateway
from tests.notifications.samples import OPERATOR, SYDNEY, account, draft, queue


async def measure(database: RolledBackDatabase, clock: FixedClock) -> None:
    async with database.reading() as session:
        await measure_mail(clock, SYDNEY)(session)


def may_send(name: str) -> float:
    return gauge("waybill_sender_account_may_send", account=name)


class TestMeasureMail:
    async def test_an_account_is_in_one_state(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        account_id = await account(database)
        await measure(database, clock)
        assert (may_send("first"), gauge("waybill_sender_account_state", account="first", state="active")) == (1, 1)
        async with database.transaction() as session:
            await suspend_account(session, account_id, OPERATOR, "asked for", clock.now())
        await measure(database, clock)
        assert may_send("first") == 0
        assert gauge("waybill_sender_account_state", account="first", state="suspended") == 1
        assert gauge("waybill_sender_account_state", account="first", state="active") == 0
        async with database.transaction() as session:
            await resume_account(session, account_id, OPERATOR, "asked for", clock.now())
        await measure(database, clock)
        assert may_send("first") == 1

    async def test_one_whose_cap_is_reached_may_not_send_until_the_next_day(
        self, database: RolledBackDatabase, clock: FixedClock, sender_of: MakeSender
    ) -> None:
        await run_until_idle(sender_of(database, FakeGateway()))
        await suspend_default(database, clock)
        await account(database, "small", daily_cap=2)
        await queue(database, draft("one@example.test"), draft("two@example.test"))
        await run_until_idle(sender_of(database, FakeGateway()))
        await measure(database, clock)
        assert (may_send("small"), gauge("waybill_sender_account_cap_used_ratio", account="small")) == (0, 1)
        clock.advance(timedelta(days=1))
        await measure(database, clock)
        assert (may_send("small"), gauge("waybill_sender_account_cap_used_ratio", account="small")) == (1, 0)

    async def test_a_renamed_account_leaves_no_gauge_behind(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        account_id = await account(database, "before")
        await measure(database, clock)
        async with database.transaction() as session:
            await change_account(session, account_id, {"name": "after"}, OPERATOR)
        await measure(database, clock)
        assert may_send("after") == 1
        with pytest.raises(LookupError):
            may_send("before")

    async def test_what_should_have_gone_out_ages(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        await queue(database, draft())
        clock.advance(timedelta(minutes=10))
        await measure(database, clock)
        assert gauge("waybill_mails_waiting", state="queued") == gauge("waybill_mails_overdue") == 1
        assert gauge("waybill_mails_overdue_oldest_age_seconds") == 600


async def suspend_default(database: RolledBackDatabase, clock: FixedClock) -> None:
    row = (await database.connection.exec_driver_sql("SELECT id FROM sender_accounts")).one()
    async with database.transaction() as session:
        await suspend_account(session, UUID(str(row.id)), OPERATOR, "asked for", clock.now())
