"""What routing's gauges say of its queue."""

from datetime import timedelta

from services.routing.commands.exceptions import ResolveException, resolve_exception
from services.routing.measures import measure_waiting
from tests.kit.metrics import gauge
from tests.routing.arrangements import FREMANTLE, ROBIN, Floor, lead

OPEN = "waybill_dispatch_exceptions_open"
AGE = "waybill_dispatch_exceptions_oldest_age_seconds"


async def measured(floor: Floor) -> tuple[float, float]:
    """How many leads wait because nobody covers them, and for how long the first of all has."""
    async with floor.database.reading() as session:
        await measure_waiting(floor.clock)(session)
    return gauge(OPEN, reason="no_coverage", kind="expected"), gauge(AGE, kind="expected")


class TestMeasureExceptions:
    async def test_counts_by_reason_and_ages_with_the_business_clock(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(timedelta(hours=2))
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(timedelta(minutes=30))
        assert await measured(floor) == (2, 2.5 * 3600)
        assert gauge(OPEN, reason="delivery_failed", kind="alarming") == 0

    async def test_falls_back_to_nothing_when_the_last_is_resolved(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(timedelta(hours=1))
        assert await measured(floor) == (1, 3600)
        item = await floor.only_exception()
        async with floor.database.transaction() as session:
            await resolve_exception(session, ResolveException(item.id, "spoke to the lead", ROBIN), floor.clock.now())
        assert await measured(floor) == (0, 0)
