"""What operations are alerted to: a mail for a batch, of whatever kind, that lists what it is about."""

import pytest
from sqlalchemy import text

from chassis.clock import FixedClock
from tests.kit.databases import RolledBackDatabase
from tests.notifications.conftest import settings_of
from tests.notifications.inbound import NO_SERVER, Topics
from tests.notifications.samples import (
    books_blocked,
    delivery_held,
    exception_escalated,
    exception_raised,
    one,
    payment_held,
    payment_recorded,
    payout_held,
    rows,
)


@pytest.fixture
def desk(database: RolledBackDatabase, clock: FixedClock) -> Topics:
    return Topics(database, clock)


class TestAlerts:
    async def test_a_batch_makes_one_mail_that_lists_all(self, desk: Topics, database: RolledBackDatabase) -> None:
        events = [exception_raised() for _ in range(30)]
        records = await desk.take(*events)
        mail = await one(database, "SELECT * FROM messages")
        first_id = next(raw for name, raw in records[0].headers if name == "ce_id")
        assert (mail["subject_kind"], str(mail["subject_id"]).encode()) == ("dispatch.exception_raised", first_id)
        assert mail["recipient_email"] == "ops@waybill.example"
        assert [item["ids"]["lead"] for item in mail["context"]["items"]] == [str(event.lead_id) for event in events]

    async def test_a_flood_is_counted_and_not_listed_whole(self, desk: Topics, database: RolledBackDatabase) -> None:
        await desk.take(*(payout_held() for _ in range(130)))
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["context"]["count"], len(mail["context"]["items"])) == (130, 100)

    async def test_a_later_batch_joins_an_alert_that_still_waits(
        self, desk: Topics, database: RolledBackDatabase
    ) -> None:
        await desk.take(delivery_held())
        await desk.take(delivery_held(), delivery_held())
        mail = await one(database, "SELECT * FROM messages")
        assert mail["context"]["count"] == 3

    async def test_books_that_cannot_be_closed_are_told_of_with_how_many(
        self, desk: Topics, database: RolledBackDatabase
    ) -> None:
        await desk.take(books_blocked(), books_blocked(count=1))
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["subject_kind"], mail["recipient_email"]) == ("books.blocked", "ops@waybill.example")
        assert [item["detail"] for item in mail["context"]["items"]] == ["2 wait", "1 waits"]

    async def test_each_kind_has_its_own(self, desk: Topics, database: RolledBackDatabase) -> None:
        await desk.take(exception_raised())
        await desk.take(delivery_held())
        await desk.take(payout_held())
        kinds = [row["subject_kind"] for row in await rows(database, "SELECT subject_kind FROM messages ORDER BY id")]
        assert kinds == ["dispatch.exception_raised", "delivery.held", "payout.held"]

    async def test_what_waits_for_too_long_is_told_by_who_has_it(
        self, desk: Topics, database: RolledBackDatabase
    ) -> None:
        await desk.take(exception_escalated())
        mail = await one(database, "SELECT * FROM messages")
        assert (mail["subject_kind"], mail["purpose"]) == ("dispatch.exception_escalated", "ops_alert")
        [item] = mail["context"]["items"]
        assert item["detail"] == "its mail server refused the address; nobody has it"

    async def test_a_payment_that_is_not_in_the_books_alerts(self, desk: Topics, database: RolledBackDatabase) -> None:
        await desk.take(held := payment_held())
        mail = await one(database, "SELECT * FROM messages")
        (item,) = mail["context"]["items"]
        assert (mail["subject_kind"], item["reason_code"], item["detail"]) == (
            "invoice.payment_held",
            "currency_not_kept",
            "it is in USD",
        )
        assert item["ids"] == {"invoice": str(held.invoice_id), "payment": "pi_3PqT2cLkdIwHu7ix"}

    async def test_a_payment_of_more_than_was_owed_alerts_and_others_do_not(
        self, desk: Topics, database: RolledBackDatabase
    ) -> None:
        await desk.take(payment_recorded())
        assert await rows(database, "SELECT * FROM messages") == []
        await desk.take(payment_recorded(), payment_recorded(customer_credit_cents=1_100))
        mail = await one(database, "SELECT * FROM messages")
        (item,) = mail["context"]["items"]
        assert (item["reason_code"], item["detail"]) == ("over_paid", "$11.00 of $93.50 is the customer's")

    async def test_a_replay_alerts_once(self, desk: Topics, database: RolledBackDatabase) -> None:
        records = await desk.take(exception_raised(), exception_raised())
        await desk.again(records)
        mail = await one(database, "SELECT * FROM messages")
        assert mail["context"]["count"] == 2

    async def test_alerts_of_a_kind_keep_their_distance(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        desk = Topics(database, clock, settings_of(NO_SERVER, alert_interval_seconds=60))
        await desk.take(exception_raised())
        async with database.transaction() as session:
            await session.execute(text("UPDATE messages SET state = 'accepted', accepted_at = now(), attempts = 1"))
        await desk.take(exception_raised())
        waits = await rows(database, "SELECT next_attempt_at - created_at AS wait FROM messages ORDER BY id")
        assert [row["wait"].total_seconds() for row in waits] == [0, 60]
