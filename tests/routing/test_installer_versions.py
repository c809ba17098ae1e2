"""Each change of an installer keeps what it became: all that a decision reads, by the version that it tells."""

from datetime import timedelta
from typing import Any

from chassis.clock import FixedClock
from contracts.values import AustralianState, InstallerStatus
from services.routing.commands.installers import (
    ChangeStatus,
    change_particulars,
    change_status,
    set_caps,
    set_territory,
)
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.states import AbsenceKind
from services.routing.domain.windows import Limits
from services.routing.models import DeliveryEndpoint, Installer
from tests.routing.arrangements import NOW, ROBIN, Floor, lead, postcodes

HOUR = timedelta(hours=1)


async def versions(floor: Floor) -> list[dict[str, Any]]:
    return await floor.rows("SELECT version, profile, changed_at FROM installer_versions ORDER BY version")


async def last_profile(floor: Floor) -> dict[str, Any]:
    profile: dict[str, Any] = (await versions(floor))[-1]["profile"]
    return profile


async def test_a_new_installer_is_its_first_version(floor: Floor) -> None:
    ranges = (PostcodeRange("2000", "2010"),)
    await floor.installer(
        Limits(day=3, month=40), territory=Territory(frozenset({AustralianState.ACT}), ranges, frozenset({"2480"}))
    )
    [first] = await versions(floor)
    assert (first["version"], first["changed_at"]) == (1, NOW)
    assert first["profile"] == {
        "name": "Southern Sun Solar",
        "email": "leads@southernsun.example",
        "status": "active",
        "services": ["solar-battery"],
        "time_zone": "Australia/Sydney",
        "limits": {"day": 3, "week": None, "month": 40},
        "share_weight": None,
        "hours": None,
        "home_state": None,
        "keeps_public_holidays": False,
        "absences": [],
        "channel": "mail",
        "territory": {"states": ["ACT"], "ranges": [{"first": "2000", "last": "2010"}], "postcodes": ["2480"]},
    }


async def test_a_new_installer_gets_its_leads_by_mail(floor: Floor) -> None:
    installer_id = await floor.installer()
    async with floor.database.reading() as session:
        endpoint = await session.get_one(DeliveryEndpoint, (installer_id, "mail"))
    assert (endpoint.url, endpoint.breaker, endpoint.failures_in_row) == (None, "closed", 0)


async def test_each_change_that_is_published_is_a_version_of_its_own(floor: Floor, clock: FixedClock) -> None:
    id_ = await floor.installer()
    clock.instant = later = NOW + HOUR
    async with floor.database.transaction() as session:
        await change_particulars(session, id_, {"services": ("heat-pump",)}, ROBIN, later)
        await set_caps(session, id_, Limits(week=4), ROBIN, later)
        await set_territory(session, id_, postcodes("2204"), ROBIN, later)
        await change_status(session, ChangeStatus(id_, InstallerStatus.PAUSED, "crew on leave", ROBIN), later)
    kept = await versions(floor)
    assert [row["version"] for row in kept] == [version for version, _ in await floor.published("installer.changed")]
    assert [row["changed_at"] for row in kept] == [NOW, later, later, later, later]
    told = [row["profile"] for row in kept]
    assert [profile["services"] for profile in told] == [["solar-battery"], *([["heat-pump"]] * 4)]
    assert [profile["limits"]["week"] for profile in told] == [None, None, 4, 4, 4]
    assert [profile["territory"]["postcodes"] for profile in told] == [[], [], [], ["2204"], ["2204"]]
    assert [profile["status"] for profile in told] == [*(["active"] * 4), "paused"]


async def test_the_same_again_is_no_version(floor: Floor) -> None:
    id_ = await floor.installer(Limits(3))
    async with floor.database.transaction() as session:
        await set_caps(session, id_, Limits(3), ROBIN, NOW)
    assert len(await versions(floor)) == 1


async def test_absences_are_told_that_are_not_over_and_end_where_they_were_cut_short(floor: Floor) -> None:
    id_ = await floor.installer()
    holiday = AbsenceKind.HOLIDAY
    await floor.absence(id_, NOW - 3 * HOUR, NOW, holiday)
    await floor.absence(id_, NOW - 2 * HOUR, None, ended_at=NOW - HOUR)
    await floor.absence(id_, NOW + 8 * HOUR, NOW + 9 * HOUR, holiday, ended_at=NOW + HOUR)
    await floor.absence(id_, NOW - HOUR, NOW + 4 * HOUR, ended_at=NOW + 2 * HOUR)
    await floor.absence(id_, NOW + 5 * HOUR, NOW + 6 * HOUR, holiday)
    await floor.absence(id_, NOW + 7 * HOUR)
    async with floor.database.transaction() as session:
        await set_caps(session, id_, Limits(9), ROBIN, NOW)
    assert (await last_profile(floor))["absences"] == [
        {"kind": "pause", "starts_at": "2026-03-03T01:15:04+00:00", "ends_at": "2026-03-03T04:15:04+00:00"},
        {"kind": "holiday", "starts_at": "2026-03-03T07:15:04+00:00", "ends_at": "2026-03-03T08:15:04+00:00"},
        {"kind": "pause", "starts_at": "2026-03-03T09:15:04+00:00", "ends_at": None},
    ]


async def test_what_dispatch_will_read_is_in_it(floor: Floor) -> None:
    id_ = await floor.installer()
    await floor.endpoint(id_)
    async with floor.database.transaction() as session:
        installer = await session.get_one(Installer, id_)
        installer.hours, installer.share_weight, installer.channel = [[0, 420, 1_080]], 5, "webhook"  # type: ignore[assignment]  # as SQL would
        installer.home_state, installer.keeps_public_holidays = AustralianState.NSW, True
        await set_caps(session, id_, Limits(9), ROBIN, NOW)
    told = await last_profile(floor)
    kept = {name: told[name] for name in ("hours", "share_weight", "channel", "home_state", "keeps_public_holidays")}
    assert kept == {
        "hours": [[0, 420, 1_080]],
        "share_weight": 5,
        "channel": "webhook",
        "home_state": "NSW",
        "keeps_public_holidays": True,
    }


async def test_a_decision_names_a_version_that_is_kept(floor: Floor) -> None:
    id_ = await floor.installer()
    async with floor.database.transaction() as session:
        await set_caps(session, id_, Limits(9), ROBIN, NOW)
    await floor.dispatch(arrived := lead())
    [decision] = await floor.decisions(arrived.lead_id)
    assert decision.candidates[0]["installer_version"] == (await versions(floor))[-1]["version"] == 2


class TestTheChannel:
    async def test_of_an_installer_is_its_assignments(self, floor: Floor) -> None:
        by_mail = await floor.installer(name="By mail")
        by_webhook = await floor.installer(name="By webhook")
        await floor.changed(by_webhook, channel="webhook")
        await floor.dispatch(lead(), lead())
        assert {made.installer_id: made.channel for made in await floor.assignments()} == {
            by_mail: "mail",
            by_webhook: "webhook",
        }
        created = await floor.events("assignment.created")
        assert {event.installer_id: event.channel for event in created} == {by_mail: "mail", by_webhook: "webhook"}  # type: ignore[attr-defined]

    async def test_is_told_with_the_decision_once_the_lead_is_sent(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        [sent] = await floor.events("assignment.sent")
        assert (sent.channel, sent.decision_id) == ("mail", made.decision_id)  # type: ignore[attr-defined]
