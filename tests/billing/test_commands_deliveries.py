"""The delivery ledger: one event per assignment, at the price of its own instant, whatever comes twice or late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.causation import Cause
from chassis.ids import new_id
from contracts.values import CapReleaseReason, GstTreatment, ProductType
from services.billing.commands.accounts import apply_account_states
from services.billing.commands.deliveries import CapRelease, release_caps
from services.billing.errors import AccountNotFound, PlanVersionExists
from tests.billing.arrangements import LONG_AGO, NOW, Books, client_state, march, sent

CHANGE = datetime(2026, 3, 15, 3, 4, 5, 678_901, tzinfo=UTC)


async def prices(books: Books) -> dict[str, int]:
    rows = await books.rows("SELECT assignment_id, unit_price_cents FROM delivery_events")
    return {str(row.assignment_id): row.unit_price_cents for row in rows}


class TestRecordDeliveries:
    async def test_snapshots_the_price_and_what_it_came_from(self, books: Books) -> None:
        installer_id = await books.installer()
        added = await books.plan(installer_id, LONG_AGO, 8_500, 3_850, gst_treatment=GstTreatment.GST_FREE)
        assignment = sent(installer_id, march(3), ProductType.SHARED)
        await books.deliver(assignment)
        (row,) = await books.rows("SELECT * FROM delivery_events")
        assert row.assignment_id == assignment.assignment_id
        assert (row.unit_price_cents, row.currency, row.gst_treatment) == (3_850, "AUD", "gst_free")
        assert row.price_plan_id == added.plan.id
        assert (row.event_status, row.cap_status) == ("billable", "counted")
        assert row.delivered_at == assignment.delivered_at
        (event,) = await books.published("delivery.recorded")
        assert event["delivery_event_id"] == str(row.id)
        assert event["key"] == str(assignment.assignment_id)
        assert (event["unit_price_cents"], event["product_type"], event["version"]) == (3_850, "shared", 1)

    async def test_writes_one_event_per_assignment_for_ever(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        assignment = sent(installer_id, march(3))
        again = replace(assignment, delivered_at=march(4), lead_id=new_id())
        await books.deliver(assignment, again)
        await books.deliver(again)
        assert await books.value("SELECT delivered_at FROM delivery_events") == march(3)
        assert len(await books.published("delivery.recorded")) == 1

    async def test_takes_the_version_in_force_to_the_microsecond(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.plan(installer_id, LONG_AGO, 8_000, 3_000)
        await books.plan(installer_id, CHANGE, 9_000, 4_000)
        before, at = sent(installer_id, CHANGE - timedelta(microseconds=1)), sent(installer_id, CHANGE)
        await books.deliver(at, before)
        assert await prices(books) == {str(before.assignment_id): 8_000, str(at.assignment_id): 9_000}

    async def test_prices_a_batch_of_many_installers_each_by_its_own_plan(self, books: Books) -> None:
        first, second = await books.priced_installer(5_000), await books.priced_installer(6_000)
        batch = [sent((first, second)[n % 2], march(1) + timedelta(minutes=n)) for n in range(40)]
        await books.deliver(*batch)
        rows = await books.rows("SELECT installer_id, unit_price_cents, count(*) FROM delivery_events GROUP BY 1, 2")
        assert {tuple(row) for row in rows} == {(first, 5_000, 20), (second, 6_000, 20)}

    async def test_says_which_event_led_to_each(self, books: Books) -> None:
        installer_id = await books.priced_installer()
        causes = [Cause("correlation", str(new_id())) for _ in range(2)]
        await books.deliver(*(replace(sent(installer_id, march(3)), cause=cause) for cause in causes))
        events = await books.published("delivery.recorded")
        assert {event["causation_id"] for event in events} == {cause.causation_id for cause in causes}


class TestHeldDeliveries:
    async def test_without_a_plan_it_is_held_and_said_once(self, books: Books) -> None:
        installer_id = await books.installer()
        assignment = sent(installer_id, march(3))
        await books.deliver(assignment, assignment)
        await books.deliver(replace(assignment, delivered_at=march(4)))
        assert await books.value("SELECT count(*) FROM delivery_events") == 0
        (row,) = await books.rows("SELECT * FROM held_deliveries")
        assert (row.reason_code, row.delivered_at, row.released_at) == ("no_price_plan", march(3), None)
        (event,) = await books.published("delivery.held")
        assert (event["assignment_id"], event["reason_code"]) == (str(assignment.assignment_id), "no_price_plan")

    async def test_of_an_installer_that_nobody_told_us_of_is_held_too(self, books: Books) -> None:
        await books.deliver(sent(new_id(), march(3)))
        assert await books.value("SELECT count(*) FROM held_deliveries") == 1

    async def test_before_the_first_version_and_after_a_closing_one(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.plan(installer_id, march(5), 8_500, 3_850)
        await books.close_plan(installer_id, march(20))
        early, priced, late = (sent(installer_id, march(day)) for day in (4, 10, 20))
        await books.deliver(early, priced, late)
        assert await prices(books) == {str(priced.assignment_id): 8_500}
        assert await books.value("SELECT count(*) FROM held_deliveries WHERE released_at IS NULL") == 2

    async def test_only_those_of_a_batch_that_nothing_prices(self, books: Books) -> None:
        priced, unpriced = await books.priced_installer(), await books.installer()
        await books.deliver(sent(priced, march(3)), sent(unpriced, march(3)), sent(priced, march(4)))
        assert [event["type"] for event in await books.published() if event["type"] != "price_plan.added"] == [
            "delivery.recorded",
            "delivery.recorded",
            "delivery.held",
        ]


class TestAddPricePlan:
    async def test_releases_what_it_covers_at_each_ones_own_instant(self, books: Books) -> None:
        installer_id = await books.installer()
        early = sent(installer_id, march(4))
        covered = sent(installer_id, march(6), ProductType.SHARED, decision_id=new_id())
        await books.deliver(early, covered)
        added = await books.plan(installer_id, march(5), 8_500, 3_850)
        assert added.released == [covered.assignment_id]
        assert await prices(books) == {str(covered.assignment_id): 3_850}
        assert await books.value("SELECT delivered_at FROM delivery_events") == march(6)
        waiting = await books.rows("SELECT assignment_id FROM held_deliveries WHERE released_at IS NULL")
        assert [row.assignment_id for row in waiting] == [early.assignment_id]
        events = await books.published()
        assert [(event["type"], event["version"]) for event in events] == [
            ("delivery.held", 1),
            ("delivery.held", 1),
            ("price_plan.added", 1),
            ("delivery.recorded", 2),
        ]
        assert events[-1]["decision_id"] == str(covered.decision_id)

    async def test_never_reprices_what_is_recorded(self, books: Books) -> None:
        installer_id = await books.priced_installer(8_000)
        recorded = sent(installer_id, march(10))
        await books.deliver(recorded)
        await books.plan(installer_id, march(5), 9_999, 4_999)
        assert await prices(books) == {str(recorded.assignment_id): 8_000}
        assert len(await books.published("delivery.recorded")) == 1

    async def test_a_closing_version_releases_nothing(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.deliver(sent(installer_id, march(10)))
        added = await books.close_plan(installer_id, march(5))
        assert added.plan.closes
        assert added.released == []

    async def test_twice_is_once(self, books: Books) -> None:
        installer_id = await books.installer()
        first = await books.plan(installer_id, march(5), 8_500, 3_850)
        second = await books.plan(installer_id, march(5), 8_500, 3_850)
        assert second.plan.id == first.plan.id
        assert not second.is_new

    async def test_a_second_edit_of_one_instant_is_told(self, books: Books) -> None:
        installer_id = await books.installer()
        await books.plan(installer_id, march(5), 8_500, 3_850)
        with pytest.raises(PlanVersionExists):
            await books.plan(installer_id, march(5), 8_600, 3_850)
        with pytest.raises(PlanVersionExists):
            await books.close_plan(installer_id, march(5))

    async def test_is_of_an_installer_that_we_know(self, books: Books) -> None:
        with pytest.raises(AccountNotFound):
            await books.plan(new_id(), march(5), 8_500, 3_850)
        client_id = new_id()
        async with books.unit() as session:
            await apply_account_states(session, [client_state(client_id)], NOW)
        with pytest.raises(AccountNotFound):
            await books.plan(client_id, march(5), 8_500, 3_850)


class TestReleaseCaps:
    async def test_sets_the_cap_and_nothing_else(self, books: Books) -> None:
        assignment = sent(await books.priced_installer(), march(3))
        await books.deliver(assignment)
        (before,) = await books.rows("SELECT * FROM delivery_events")
        async with books.unit() as session:
            await release_caps(session, [CapRelease(assignment.assignment_id, CapReleaseReason.INVALID_LEAD)])
        (after,) = await books.rows("SELECT * FROM delivery_events")
        changed = {name for name, value in after._mapping.items() if before._mapping[name] != value}
        assert changed == {"cap_status", "cap_release_reason"}
        assert (after.cap_status, after.cap_release_reason) == ("released", "invalid_lead")

    async def test_keeps_the_first_reason(self, books: Books) -> None:
        assignment = sent(await books.priced_installer(), march(3))
        await books.deliver(assignment)
        for reason in (CapReleaseReason.INVALID_LEAD, CapReleaseReason.OPERATOR_ERROR):
            async with books.unit() as session:
                await release_caps(session, [CapRelease(assignment.assignment_id, reason)])
        assert await books.value("SELECT cap_release_reason FROM delivery_events") == "invalid_lead"

    async def test_of_a_held_delivery_goes_with_it_into_the_ledger(self, books: Books) -> None:
        installer_id = await books.installer()
        assignment = sent(installer_id, march(3))
        await books.deliver(assignment)
        async with books.unit() as session:
            await release_caps(session, [CapRelease(assignment.assignment_id, CapReleaseReason.DELIVERY_FAULT)])
        await books.plan(installer_id, LONG_AGO, 8_500, 3_850)
        (row,) = await books.rows("SELECT * FROM delivery_events")
        assert (row.cap_status, row.event_status) == ("released", "billable")

    async def test_of_an_unknown_assignment_is_nothing(self, books: Books) -> None:
        async with books.unit() as session:
            await release_caps(session, [CapRelease(new_id(), CapReleaseReason.INVALID_LEAD)])
