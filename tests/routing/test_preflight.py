"""The pre-flight checklist: one fault for each of its points, over HTTP, on the page and in the list."""

from datetime import timedelta

import pytest

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from services.routing.domain.preflight import UNTOLD, Point
from tests.kit.identity import TestIdentity
from tests.routing.arrangements import NOW, Floor
from tests.routing.desk import UNKNOWN, Desk, code_of

FAULTS = {
    Point.IS_ACTIVE: "UPDATE installers SET status = 'suspended'",
    Point.IS_PRESENT: """INSERT INTO installer_absences (id, installer_id, kind, starts_at, reason, created_by,
        created_at) SELECT gen_random_uuid(), id, 'pause', :now, 'leave', 'Robin Field', :now FROM installers""",
    Point.HAS_TERRITORY: "DELETE FROM territory_states",
    Point.HAS_SERVICES: "UPDATE installers SET services = '{}'",
    Point.HAS_CLOCK: "UPDATE installers SET time_zone = 'Australia/Atlantis'",
    Point.HAS_HOURS: "UPDATE installers SET hours = '[]'",
    Point.CAN_BE_REACHED: "UPDATE delivery_endpoints SET breaker = 'half_open'",
    Point.IS_TESTED: """WITH set AS (INSERT INTO delivery_endpoints (installer_id, channel, url)
        SELECT id, 'webhook', 'https://sun.example/leads' FROM installers)
        UPDATE installers SET channel = 'webhook'""",
    Point.IS_IDENTIFIED: "UPDATE installers SET abn = NULL, billing_address = NULL, gst_registered = false",
    Point.GST_HAS_ITS_ABN: "UPDATE installers SET abn = NULL",
    Point.HAS_BILLING_EMAIL: "UPDATE installers SET billing_email = ''",
    Point.HAS_PRICES: "UPDATE installer_accounts SET has_prices = false",
    Point.IS_COLLECTABLE: "UPDATE installer_accounts SET is_collectable = false",
    Point.HAS_CREDIT: "UPDATE installer_accounts SET credit_hold = true",
    Point.OWES_NOTHING_LATE: "UPDATE installer_accounts SET overdue_cents = 1",
}


async def test_whoever_has_all_is_ready(desk: Desk, floor: Floor, identity: TestIdentity) -> None:
    id_ = await floor.installer()
    await floor.account(id_)
    await floor.absence(id_, NOW - timedelta(days=2), NOW)
    await floor.absence(id_, NOW + timedelta(days=2))
    told = await desk.get(f"/admin/installers/{id_}/preflight")
    assert told["is_ready"]
    assert [check["point"] for check in told["checks"]] == list(Point)
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    assert "Ready for leads" in (await desk.client.get(f"/console/installers/{id_}")).text


@pytest.mark.parametrize(("point", "fault"), FAULTS.items())
async def test_each_point_is_missed_alone(desk: Desk, floor: Floor, point: Point, fault: str) -> None:
    id_ = await floor.installer()
    await floor.account(id_)
    await floor.rows_changed(fault, **({"now": NOW} if ":now" in fault else {}))
    told = await desk.get(f"/admin/installers/{id_}/preflight")
    assert not told["is_ready"]
    missed = [check for check in told["checks"] if not check["passed"]]
    assert [check["point"] for check in missed] == [point]
    assert missed[0]["why"]


def test_no_point_is_left_out() -> None:
    assert FAULTS.keys() == set(Point)


async def test_an_account_that_billing_has_not_told_of_does_not_stand(desk: Desk, floor: Floor) -> None:
    told = await desk.get(f"/admin/installers/{await floor.installer()}/preflight")
    missed = [check for check in told["checks"] if not check["passed"]]
    assert {(check["cure"], check["why"]) for check in missed} == {("account", UNTOLD)}
    assert len(missed) == 4


async def test_refuses_an_unknown_one(desk: Desk) -> None:
    answer = await desk.ask("GET", f"/admin/installers/{UNKNOWN}/preflight")
    assert (answer.status_code, code_of(answer)) == (404, "no_such_installer")


async def test_the_list_in_json_tells_what_each_misses_and_who_is_ready(desk: Desk, floor: Floor) -> None:
    ready = await floor.installer(name="Ready Solar")
    await floor.account(ready)
    gone = await floor.installer(name="Gone Fishing")
    await floor.account(gone, overdue_cents=1)
    await floor.absence(gone, NOW - timedelta(days=1))
    told = {each["name"]: each for each in await desk.items("/admin/installers")}
    assert {name: (each["is_ready"], each["missing"]) for name, each in told.items()} == {
        "Ready Solar": (True, []),
        "Gone Fishing": (False, ["is_present", "owes_nothing_late"]),
    }
    for is_ready, name in ((True, "Ready Solar"), (False, "Gone Fishing")):
        assert [each["name"] for each in await desk.items("/admin/installers", is_ready=is_ready)] == [name]
    alone = await desk.get(f"/admin/installers/{gone}")
    assert (alone["is_ready"], alone["missing"]) == (False, told["Gone Fishing"]["missing"])


async def test_the_list_tells_who_is_away_and_who_is_not_ready(
    desk: Desk, floor: Floor, identity: TestIdentity
) -> None:
    ready = await floor.installer(name="Ready Solar")
    await floor.account(ready)
    gone = await floor.installer(name="Gone Fishing")
    await floor.account(gone)
    await floor.absence(gone, NOW - timedelta(days=1), NOW + timedelta(days=6))
    soon = await floor.installer(name="Going Soon")
    await floor.absence(soon, NOW + timedelta(days=3))
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    page = (await desk.client.get("/console/installers")).text
    assert ">Away until 9 Mar</span>" in page
    assert ">Away from 6 Mar</span>" in page
    away = (await desk.client.get("/console/installers?away=true")).text
    assert "Gone Fishing" in away
    assert "Going Soon" not in away
    lacking = (await desk.client.get("/console/installers?not_ready=true")).text
    assert "Ready Solar" not in lacking
    assert ">4 to do</span>" in lacking
    assert ">1 to do</span>" in lacking
