"""The numbers of dispatch that stand at home."""

from datetime import timedelta

from chassis.clock import FixedClock
from contracts.values import CapReleaseReason, InstallerStatus
from services.routing.commands.assignments import ReleaseCap, release_cap
from services.routing.domain.windows import Limits
from services.routing.queries import figures
from services.routing.queries.figures import CapUse, Latency, Outcomes
from tests.routing.arrangements import NOW, ROBIN, SHARED, Floor, lead, leads, postcodes

WEEK = timedelta(days=7)
BEFORE = NOW + timedelta(seconds=1)


async def test_latency_is_of_what_was_given_by_itself_within_the_time(floor: Floor) -> None:
    await floor.installer()
    for milliseconds in (100, 200, 9_000):
        await floor.dispatch(lead(received_at=NOW - timedelta(milliseconds=milliseconds)))
    async with floor.database.reading() as session:
        assert await figures.latency(session, NOW - WEEK, BEFORE) == Latency(200, 9_000)
        assert await figures.latency(session, NOW - WEEK, NOW) == Latency(None, None)


async def test_outcomes_leave_out_what_is_on_its_way(floor: Floor) -> None:
    await floor.installer()
    await floor.dispatch(*leads(4))
    made = [each.id for each in await floor.assignments()]
    await floor.deliver(made[0], made[1])
    await floor.refuse_mail(made[2])
    async with floor.database.reading() as session:
        told = await figures.outcomes(session, NOW - WEEK, BEFORE)
        nothing = await figures.outcomes(session, NOW - 2 * WEEK, NOW - WEEK)
    assert (told, told.share_sent) == (Outcomes(2, 1), 2 / 3)
    assert nothing.share_sent is None


async def test_cap_use_is_of_active_installers_with_a_cap_for_their_cycle(floor: Floor) -> None:
    await floor.installer(Limits(month=40))
    await floor.installer(Limits(day=5), territory=postcodes("6160"))
    await floor.installer(Limits(month=10), status=InstallerStatus.PAUSED)
    await floor.dispatch(*leads(3))
    async with floor.database.reading() as session:
        assert await figures.cap_use(session, NOW) == CapUse(3, 40)


async def test_stuck_are_the_pending_that_are_older(floor: Floor, clock: FixedClock) -> None:
    await floor.installer()
    await floor.dispatch(*leads(2))
    await floor.deliver((await floor.assignments())[0].id)
    async with floor.database.reading() as session:
        assert await figures.stuck(session, NOW) == (0, None)
        assert await figures.stuck(session, BEFORE) == (1, NOW)


async def test_installers_at_a_cap_are_counted_once_and_only_if_active(floor: Floor) -> None:
    await floor.installer(Limits(1, 1, 1))
    await floor.installer(Limits(0), status=InstallerStatus.SUSPENDED)
    await floor.dispatch(lead())
    async with floor.database.reading() as session:
        assert await figures.installers_at_cap(session, NOW) == 1


async def test_deliveries_are_told_by_installer_and_product(floor: Floor) -> None:
    await floor.installer(name="Most")
    await floor.installer(Limits(day=1), name="Least")
    await floor.dispatch(lead(SHARED))
    await floor.dispatch(*leads(2))
    await floor.deliver(*[each.id for each in await floor.assignments()])
    async with floor.database.reading() as session:
        told = await figures.deliveries(session, NOW, NOW - WEEK, 12)
        later = await figures.deliveries(session, BEFORE, NOW - WEEK, 1)
    assert [(each.installer_name, each.exclusive, each.shared, each.before) for each in told] == [
        ("Most", 2, 1, 0),
        ("Least", 0, 1, 0),
    ]
    assert [(each.number, each.before) for each in later] == [(0, 1)]


async def test_releases_are_told_by_reason(floor: Floor) -> None:
    await floor.installer()
    await floor.dispatch(*leads(2))
    made = [each.id for each in await floor.assignments()]
    await floor.deliver(*made)
    async with floor.database.transaction() as session:
        await release_cap(session, ReleaseCap(made[0], CapReleaseReason.INVALID_LEAD, None, ROBIN), NOW)
    async with floor.database.reading() as session:
        told = await figures.releases_by_reason(session, NOW - WEEK)
    assert told == [(CapReleaseReason.INVALID_LEAD, 1)]
