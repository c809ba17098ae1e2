"""Installers, on a real database: every change is published, audited and felt by the next dispatch."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.routing import InstallerChanged
from contracts.values import AustralianState, InstallerStatus
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.commands.installers import (
    AddInstaller,
    ChangeStatus,
    ParticularsChanges,
    add_installer,
    change_particulars,
    change_status,
    set_caps,
    set_territory,
)
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.windows import Limits
from services.routing.errors import ChangedMeanwhile, InstallerExists, NoSuchInstaller
from services.routing.models import Installer
from services.routing.queries.dispatches import auto_dispatch
from services.routing.queries.installers import territory_of
from tests.routing.arrangements import ALL_OF_NSW, NOW, ROBIN, Floor, lead, leads, particulars, postcodes


async def add(floor: Floor, command: AddInstaller) -> Installer:
    async with floor.database.transaction() as session:
        return await add_installer(session, command, NOW)


async def forget_the_request(floor: Floor) -> None:
    async with floor.database.transaction() as session:
        await session.execute(text("UPDATE installers SET request_sha256 = NULL"))


async def change(floor: Floor, installer_id: UUID, changes: ParticularsChanges) -> None:
    async with floor.database.transaction() as session:
        await change_particulars(session, installer_id, changes, ROBIN, NOW)


async def switch_status(floor: Floor, installer_id: UUID, status: InstallerStatus) -> None:
    async with floor.database.transaction() as session:
        await change_status(session, ChangeStatus(installer_id, status, "holiday", ROBIN), NOW)


class TestAddInstaller:
    async def test_publishes_the_full_state(self, floor: Floor) -> None:
        installer_id = await floor.installer(name="Southern Sun Solar")
        assert await floor.published("installer.changed") == [
            (
                1,
                InstallerChanged(
                    installer_id=installer_id,
                    name="Southern Sun Solar",
                    abn="53004085616",
                    gst_registered=True,
                    email="leads@southernsun.example",
                    billing_email="accounts@southernsun.example",
                    billing_address="3 Harbour Road, Newcastle NSW 2300",
                    status=InstallerStatus.ACTIVE,
                    time_zone="Australia/Sydney",
                ),
            )
        ]
        assert await floor.audited() == ["add_installer"]

    async def test_twice_with_one_id_adds_one(self, floor: Floor) -> None:
        command = AddInstaller(new_id(), particulars(), ROBIN, territory=ALL_OF_NSW)
        for _ in range(2):
            async with floor.database.transaction() as session:
                await add_installer(session, command, NOW)
        assert len(await floor.events("installer.changed")) == 1
        assert await floor.audited() == ["add_installer"]

    @pytest.mark.parametrize(
        "other",
        [
            {"limits": Limits(day=3)},
            {"status": InstallerStatus.PAUSED},
            {"territory": postcodes("2204")},
            {"particulars": particulars(phone=None)},
        ],
    )
    @pytest.mark.parametrize("is_kept", [True, False])
    async def test_refuses_any_other_content_under_the_same_id(
        self, floor: Floor, other: dict[str, Any], is_kept: bool
    ) -> None:
        """Of those that were added before it was kept what was asked, what they are now is compared."""
        command = AddInstaller(new_id(), particulars(), ROBIN, territory=ALL_OF_NSW)
        await add(floor, command)
        if not is_kept:
            await forget_the_request(floor)
        await add(floor, command)
        with pytest.raises(InstallerExists):
            await add(floor, replace(command, **other))

    async def test_knows_its_first_content_whatever_was_changed_since(self, floor: Floor) -> None:
        command = AddInstaller(new_id(), particulars(), ROBIN, limits=Limits(day=3), territory=ALL_OF_NSW)
        await add(floor, command)
        await change(floor, command.installer_id, {"name": "New Sun"})
        async with floor.database.transaction() as session:
            await set_caps(session, command.installer_id, Limits(day=9), ROBIN, NOW)
        again = await add(floor, command)
        assert (again.name, again.limits) == ("New Sun", Limits(day=9))
        with pytest.raises(InstallerExists):
            await add(floor, replace(command, particulars=particulars("New Sun"), limits=Limits(day=9)))

    async def test_refuses_another_one_under_the_same_id(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        async with floor.database.transaction() as session:
            with pytest.raises(InstallerExists):
                await add_installer(session, AddInstaller(installer_id, particulars("Other"), ROBIN), NOW)


class TestChangeParticulars:
    async def test_leaves_what_is_not_named(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await change(floor, installer_id, {"email": "new@southernsun.example", "phone": None})
        _, (version, event) = await floor.published("installer.changed")
        assert isinstance(event, InstallerChanged)
        assert (version, event.email, event.name) == (2, "new@southernsun.example", "Southern Sun Solar")

    async def test_audits_what_changed_alone(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await change(floor, installer_id, {"email": "new@southernsun.example", "gst_registered": True})
        [row] = await floor.rows("SELECT before, after FROM audit_entries WHERE action = 'change_installer'")
        assert row == {
            "before": {"email": "leads@southernsun.example"},
            "after": {"email": "new@southernsun.example"},
        }

    async def test_without_a_change_does_nothing(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await change(floor, installer_id, {"name": "Southern Sun Solar"})
        assert len(await floor.events("installer.changed")) == 1

    async def test_a_new_service_brings_leads(self, floor: Floor) -> None:
        installer_id = await floor.installer(services=("roofing",))
        await floor.dispatch(lead())
        await change(floor, installer_id, {"services": ("roofing", "solar-battery")})
        await floor.dispatch(lead())
        assert (await floor.given())[installer_id] == 1

    async def test_refuses_an_unknown_one(self, floor: Floor) -> None:
        with pytest.raises(NoSuchInstaller):
            await change(floor, new_id(), {"name": "Nobody"})


class TestChangeOfTheTimeZone:
    async def test_takes_along_what_was_taken(self, floor: Floor) -> None:
        installer_id = await floor.installer(Limits(day=2))
        await floor.dispatch(*leads(2))
        first, _ = await floor.assignments()
        await floor.deliver(first.id)
        await change(floor, installer_id, {"time_zone": "Australia/Perth"})
        assert await floor.counts(installer_id) == {"day": (1, 1), "week": (1, 1), "month": (1, 1)}
        await floor.dispatch(lead())
        assert (await floor.given())[installer_id] == 2

    async def test_a_place_is_given_back_in_its_new_window(self, floor: Floor) -> None:
        installer_id = await floor.installer(Limits(day=1))
        await floor.dispatch(lead())
        await change(floor, installer_id, {"time_zone": "Australia/Perth"})
        await floor.refuse_mail((await floor.only_assignment()).id)
        assert await floor.counts(installer_id) == {}

    async def test_an_assignment_of_yesterday_may_be_of_today_elsewhere(self, floor: Floor) -> None:
        installer_id = await floor.installer(Limits(day=1))
        await floor.dispatch(lead())
        floor.clock.advance(timedelta(hours=11, minutes=30))  # past midnight in Sydney, the same evening in Perth
        await change(floor, installer_id, {"time_zone": "Australia/Perth"})
        await floor.dispatch(lead())
        assert (await floor.given())[installer_id] == 1


class TestSetCaps:
    async def test_knows_what_was_taken_before_there_was_a_limit(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(*leads(3))
        async with floor.database.transaction() as session:
            await set_caps(session, installer_id, Limits(week=4), ROBIN, NOW)
        await floor.dispatch(*leads(2))
        assert (await floor.given())[installer_id] == 4

    async def test_publishes_and_audits(self, floor: Floor) -> None:
        installer_id = await floor.installer(Limits(day=3))
        for _ in range(2):
            async with floor.database.transaction() as session:
                await set_caps(session, installer_id, Limits(month=30), ROBIN, NOW)
        assert [version for version, _ in await floor.published("installer.changed")] == [1, 2]
        [row] = await floor.rows("SELECT before, after FROM audit_entries WHERE action = 'set_caps'")
        assert row == {"before": {"day": 3, "month": None}, "after": {"day": None, "month": 30}}


class TestSetTerritory:
    async def test_replaces_it_as_a_whole(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        territory = Territory(
            states=frozenset({AustralianState.WA}),
            ranges=(PostcodeRange("0800", "0832"), PostcodeRange("2480", "2484")),
            postcodes=frozenset({"2800", "2481"}),
        )
        async with floor.database.transaction() as session:
            await set_territory(session, installer_id, territory, ROBIN, NOW)
        async with floor.database.reading() as session:
            kept = await territory_of(session, installer_id)
        assert kept == Territory(territory.states, territory.ranges, frozenset({"2800"}))
        await floor.dispatch(lead())
        assert await floor.assignments() == []

    async def test_the_same_again_does_nothing(self, floor: Floor) -> None:
        installer_id = await floor.installer(territory=postcodes("2204"))
        async with floor.database.transaction() as session:
            await set_territory(session, installer_id, postcodes("2204"), ROBIN, NOW)
        assert await floor.audited() == ["add_installer"]


class TestChangeStatus:
    @pytest.mark.parametrize("status", [InstallerStatus.PAUSED, InstallerStatus.SUSPENDED])
    async def test_whoever_is_not_active_gets_no_lead(self, floor: Floor, status: InstallerStatus) -> None:
        installer_id = await floor.installer()
        await switch_status(floor, installer_id, status)
        await floor.dispatch(lead())
        assert await floor.assignments() == []
        [_, event] = await floor.events("installer.changed")
        assert isinstance(event, InstallerChanged)
        assert event.status is status

    async def test_what_is_on_its_way_still_arrives(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        await switch_status(floor, installer_id, InstallerStatus.SUSPENDED)
        await floor.deliver((await floor.only_assignment()).id)
        assert await floor.counts(installer_id) == {"day": (0, 1), "week": (0, 1), "month": (0, 1)}

    async def test_keeps_the_reason(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await switch_status(floor, installer_id, InstallerStatus.PAUSED)
        await switch_status(floor, installer_id, InstallerStatus.PAUSED)
        [row] = await floor.rows("SELECT * FROM audit_entries WHERE action = 'change_installer_status'")
        assert (row["actor_name"], row["reason_text"], row["after"]) == ("Robin Field", "holiday", {"status": "paused"})


class TestSwitchAutoDispatch:
    async def test_is_on_from_the_start_and_counts_its_changes(self, floor: Floor) -> None:
        async with floor.database.transaction() as session:
            assert (await auto_dispatch(session)).is_enabled
            switch = await switch_auto_dispatch(session, SwitchAutoDispatch(False, "mail is down", ROBIN), NOW)
        assert (switch.is_enabled, switch.version, switch.changed_by) == (False, 2, "Robin Field")
        assert await floor.audited() == ["switch_auto_dispatch"]

    async def test_twice_is_once(self, floor: Floor) -> None:
        for _ in range(2):
            async with floor.database.transaction() as session:
                switch = await switch_auto_dispatch(session, SwitchAutoDispatch(False, "mail is down", ROBIN, 1), NOW)
        assert switch.version == 2
        assert await floor.audited() == ["switch_auto_dispatch"]

    async def test_tells_who_was_slower(self, floor: Floor) -> None:
        async with floor.database.transaction() as session:
            await switch_auto_dispatch(session, SwitchAutoDispatch(False, "mail is down", ROBIN, 1), NOW)
            with pytest.raises(ChangedMeanwhile, match="version 2"):
                await switch_auto_dispatch(session, SwitchAutoDispatch(True, "mail is up", ROBIN, 1), NOW)
