"""Business time over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from chassis.clock import Clock, FixedClock, ShiftedClock, SystemClock
from chassis.database import Database
from chassis.settings import Environment
from contracts.identity import Role
from tests.chassis.http import example
from tests.chassis.http.serving import serving
from tests.kit.identity import TestIdentity


@pytest.fixture
def clock(tmp_path: Path) -> ShiftedClock:
    return ShiftedClock(tmp_path / "clock")


@pytest.fixture
def local(no_database: Database, identity: TestIdentity, clock: ShiftedClock) -> Iterator[httpx.Client]:
    app = example.build(
        no_database, identity.jwks_url, [], dependencies={"clock": clock}, environment=Environment.LOCAL
    )
    with serving(app) as url, httpx.Client(base_url=url) as client:
        yield client


def moved_to(client: httpx.Client, instant: str, headers: dict[str, str]) -> httpx.Response:
    return client.put("/admin/clock", json={"now": instant}, headers=headers)


class TestReadClock:
    def test_tells_the_time_and_the_zone(self, local: httpx.Client, identity: TestIdentity) -> None:
        shown = local.get("/admin/clock", headers=identity.headers(Role.EDITOR)).json()
        assert (shown["time_zone"], shown["movable"]) == ("Australia/Sydney", True)
        assert abs(datetime.fromisoformat(shown["now"]) - datetime.now(UTC)) < timedelta(seconds=10)


class TestMoveClock:
    def test_moves_it_for_all_who_share_it(
        self, local: httpx.Client, identity: TestIdentity, clock: ShiftedClock
    ) -> None:
        target = datetime.now(UTC) + timedelta(days=40)
        answer = moved_to(local, target.isoformat(), identity.headers())
        assert answer.status_code == 200
        assert timedelta(0) <= clock.now() - target < timedelta(seconds=10)

    def test_takes_any_zone(self, local: httpx.Client, identity: TestIdentity, clock: ShiftedClock) -> None:
        answer = moved_to(local, "2036-06-01T00:00:00+10:00", identity.headers())
        assert answer.json()["now"].startswith("2036-05-31T14:00:0")

    def test_never_goes_back(self, local: httpx.Client, identity: TestIdentity) -> None:
        answer = moved_to(local, "2020-01-01T00:00:00Z", identity.headers())
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:waybill:problem:clock_only_moves_forward")

    @pytest.mark.parametrize("instant", ["tomorrow", "2036-06-01T00:00:00", ""])
    def test_takes_an_instant_alone(self, local: httpx.Client, identity: TestIdentity, instant: str) -> None:
        assert moved_to(local, instant, identity.headers()).status_code == 422

    @pytest.mark.parametrize(
        "instant",
        ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z"],
    )
    def test_takes_an_instant_from_which_time_can_go_on(
        self, local: httpx.Client, identity: TestIdentity, clock: ShiftedClock, instant: str
    ) -> None:
        answer = moved_to(local, instant, identity.headers())
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "instant_out_of_range")
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=10)

    def test_is_for_who_manages_access(self, local: httpx.Client, identity: TestIdentity) -> None:
        assert moved_to(local, "2036-06-01T00:00:00Z", identity.headers(Role.ADMIN)).status_code == 403

    @pytest.mark.parametrize(
        ("environment", "real"),
        [
            (Environment.PRODUCTION, SystemClock()),
            (Environment.LOCAL, SystemClock()),
            (Environment.LOCAL, FixedClock(datetime(2026, 6, 1, tzinfo=UTC))),
        ],
    )
    def test_is_refused_where_the_clock_is_real(
        self, no_database: Database, identity: TestIdentity, environment: Environment, real: Clock
    ) -> None:
        self.check_refused(no_database, identity, environment, real)

    def test_is_refused_outside_local_mode_whatever_clock_there_is(
        self, no_database: Database, identity: TestIdentity, clock: ShiftedClock
    ) -> None:
        self.check_refused(no_database, identity, Environment.STAGING, clock)

    def check_refused(self, database: Database, identity: TestIdentity, environment: Environment, clock: Clock) -> None:
        app = example.build(database, identity.jwks_url, [], dependencies={"clock": clock}, environment=environment)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            answer = moved_to(client, "2036-06-01T00:00:00Z", identity.headers())
            shown = client.get("/admin/clock", headers=identity.headers()).json()
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:waybill:problem:clock_is_real")
        assert shown["movable"] is False
