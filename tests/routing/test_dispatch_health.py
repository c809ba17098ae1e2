"""How dispatch goes, in figures that agree with SQL written by hand, over HTTP, on its page and for Prometheus."""

from datetime import timedelta

import pytest

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from services.routing.measures import measure_waiting
from services.routing.retries import QueueKeeper
from tests.kit.identity import TestIdentity
from tests.kit.metrics import gauge
from tests.routing.arrangements import FREMANTLE, NOW, SHARED, Floor, lead, leads
from tests.routing.desk import Desk

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def worked(floor: Floor) -> Floor:
    """Two days: leads given fast and slowly, in part and not at all, mail that failed, and one that was tried again."""
    await floor.installers(2)
    await floor.dispatch(*leads(3), lead(SHARED), lead(location=FREMANTLE))
    floor.clock.advance(DAY)
    await floor.dispatch(lead(received_at=floor.clock.now() - 30 * MINUTE), lead(received_at=floor.clock.now()))
    made = sorted(await floor.assignments(), key=lambda each: each.selected_path is SHARED)
    await floor.refuse_mail(made[0].id)
    await floor.deliver(*[each.id for each in made[1:]])
    floor.clock.advance(2 * MINUTE)
    keeper = QueueKeeper(floor.database, floor.clock)
    while await keeper.retry():
        pass
    floor.clock.advance(MINUTE)
    return floor


async def test_its_figures_agree_with_sql_written_by_hand(worked: Floor, desk: Desk) -> None:
    told = await desk.get("/admin/dispatch-health", days=7)
    [of_all] = await worked.rows(
        """SELECT count(*) AS number, percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
                  percentile_disc(0.9) WITHIN GROUP (ORDER BY latency_ms) AS p90,
                  percentile_disc(0.99) WITHIN GROUP (ORDER BY latency_ms) AS p99
           FROM decisions WHERE trigger = 'auto' AND chosen_count > 0"""
    )
    assert told["latency"][0] == {"hour": None, **of_all}
    assert (of_all["number"], of_all["p99"]) == (6, 30 * 60 * 1000)
    outcomes = {each["trigger"]: (each["given"], each["partly"], each["none"]) for each in told["outcomes"]}
    assert outcomes == {"auto": (5, 1, 1), "scheduled": (1, 0, 0)}
    ends = {(each["channel"], each["reason"]): each["number"] for each in told["deliveries"]}
    rows = await worked.rows("SELECT status, count(*) AS n FROM assignments GROUP BY status")
    by_status = {row["status"]: row["n"] for row in rows}
    assert by_status.pop("pending") == 1
    assert ends == {("mail", None): by_status["sent"], ("mail", "recipient_refused"): by_status["failed"]}
    assert (told["retries"], told["retries_that_gave"], told["unowned_late"]) == (1, 1, 1)
    assert [each["open"] for each in told["queue"]][-3:] == [0, 1, 1]
    assert len(told["queue"]) == 15


async def test_its_page_tells_them_and_each_is_a_door(worked: Floor, desk: Desk, identity: TestIdentity) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    page = (await desk.client.get("/console/dispatch-health")).text
    assert "6 leads were given by themselves in 7 days" in page
    assert "30 min 0 s" in page
    assert "Recipient refused" in page
    assert "/console/exceptions?owner=late" in page
    assert (await desk.client.get("/console/dispatch-health?days=91")).status_code == 422


async def test_is_there_before_anything_happened(desk: Desk, identity: TestIdentity) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    page = (await desk.client.get("/console/dispatch-health")).text
    assert "Nothing was given by itself." in page


async def test_prometheus_hears_of_what_is_late_and_overdue(floor: Floor) -> None:
    await floor.installers(2)
    await floor.dispatch(lead())
    await floor.refuse_mail((await floor.only_assignment()).id)
    floor.clock.advance(20 * MINUTE)
    async with floor.database.reading() as session:
        await measure_waiting(floor.clock)(session)
    assert gauge("waybill_dispatch_exceptions_unowned_late") == 1
    assert gauge("waybill_dispatch_retries_overdue_seconds") == 18 * 60
    assert gauge("waybill_delivery_breakers_open", channel="mail") == 0
    assert floor.clock.now() == NOW + 20 * MINUTE


async def test_it_and_prometheus_agree_on_what_is_overdue(floor: Floor, desk: Desk) -> None:
    """One that is put off and one that has gone cold are tried by nobody, and overdue for nobody."""
    await floor.installers(2)
    await floor.dispatch(lead(), lead())
    await floor.refuse_mail(*[each.id for each in await floor.assignments()])
    due = min(item.next_retry_at for item in await floor.exceptions() if item.next_retry_at)
    floor.clock.advance(20 * MINUTE)
    assert await overdue(floor, desk) == (due.isoformat().replace("+00:00", "Z"), 18 * 60)
    snooze = {"until": (floor.clock.now() + HOUR).isoformat(), "note": "at noon"}
    for item in await floor.exceptions():
        assert (await desk.ask("POST", f"/admin/dispatch-exceptions/{item.id}/snooze", snooze)).status_code == 200
    assert await overdue(floor, desk) == (None, 0)
    floor.clock.advance(2 * HOUR)
    assert (await overdue(floor, desk))[1] > 0
    floor.clock.advance(30 * DAY)
    assert await overdue(floor, desk) == (None, 0)


async def overdue(floor: Floor, desk: Desk) -> tuple[str | None, float]:
    """Since when by the room, and for how many seconds by the gauge."""
    async with floor.database.reading() as session:
        await measure_waiting(floor.clock)(session)
    told = await desk.get("/admin/dispatch-health")
    return told["retries_overdue_since"], gauge("waybill_dispatch_retries_overdue_seconds")
