"""What payouts' gauges say of pay that has not arrived."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from services.payouts.measures import measure_payouts
from tests.kit.databases import RolledBackDatabase
from tests.kit.metrics import gauge
from tests.payouts.arrangements import Office

AGE = "waybill_payout_attempts_oldest_age_seconds"


@pytest.fixture
async def office(rolled_back_database: Callable[[str], Awaitable[RolledBackDatabase]]) -> Office:
    office = Office(await rolled_back_database("payouts"))
    office.gateway.available = 10_000_000
    return office


async def measure(office: Office) -> None:
    async with office.database.reading() as session:
        await measure_payouts(office.clock)(session)


def payouts(state: str) -> tuple[float, float]:
    """How many, and what they come to in cents."""
    return gauge("waybill_payouts", state=state), gauge("waybill_payouts_cents", state=state)


class TestMeasurePayouts:
    async def test_counts_and_sums_what_is_ready(self, office: Office) -> None:
        first, second = await office.ready_payout(), await office.ready_payout(50_000)
        await measure(office)
        assert payouts("ready") == (2, first.amount_cents + second.amount_cents)
        assert payouts("sending") == (0, 0)

    async def test_a_lost_answer_ages_until_it_is_looked_up(self, office: Office) -> None:
        payout = await office.ready_payout()
        office.gateway.lose_answers = 1
        await office.sender.send(payout.id)
        office.clock.advance(timedelta(minutes=20))
        await measure(office)
        assert payouts("sending") == (1, payout.amount_cents)
        assert (gauge("waybill_payout_attempts_open", outcome="unknown"), gauge(AGE)) == (1, 1200)
        office.pass_lease()
        await office.sender.resolve_open()
        await measure(office)
        assert payouts("sending") == (0, 0)
        assert (gauge("waybill_payout_attempts_open", outcome="unknown"), gauge(AGE)) == (0, 0)

    async def test_pay_that_arrived_is_no_longer_counted(self, office: Office) -> None:
        payout = await office.ready_payout()
        await office.sender.send(payout.id)
        await measure(office)
        assert payouts("ready") == (0, 0)
