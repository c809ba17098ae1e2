"""What the lists of installers and assignments find, and how they tell their rows."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis.clock import FixedClock
from chassis.console.lists.asking import read_query
from chassis.console.lists.declaration import Listing
from chassis.console.lists.reading import read_page
from chassis.ids import new_id
from contracts.values import AustralianState, CapReleaseReason, InstallerStatus
from services.routing.commands.assignments import ReleaseCap, release_cap
from services.routing.commands.contacts import AddContact, Contact, add_contact, remove_contact
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.states import ContactRole
from services.routing.domain.windows import Limits
from services.routing.pages import assignments, installers
from tests.routing.arrangements import NOW, ROBIN, Floor, lead, leads, postcode_range, postcodes

ZONE = ZoneInfo("Australia/Sydney")


async def rows(floor: Floor, listing: Listing, query: str = "") -> list[Any]:
    async with floor.database.reading() as session:
        return list((await read_page(session, read_query(listing, query, ZONE), floor.clock.now())).rows)


async def names(floor: Floor, query: str) -> list[str]:
    return [row.name for row in await rows(floor, installers.LISTING, query)]


class TestInstallers:
    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("northern li", ["Northern lights"]),
            ("LEADS@west.example", ["Western"]),
            ("08 9335 0000", ["Western"]),
            ("53 004 085 616", ["Northern lights"]),
            ("2204", ["By postcode", "By range", "Northern lights"]),
            ("6160", ["Western"]),
            ("100%", []),
        ],
    )
    async def test_are_found_by_what_people_know_of_them(self, floor: Floor, q: str, found: list[str]) -> None:
        plain: dict[str, Any] = {"abn": None, "phone": None}
        await floor.installer(name="Northern lights")
        await floor.installer(name="By range", territory=postcode_range("2000", "2234"), **plain)
        await floor.installer(name="By postcode", territory=postcodes("2204"), **plain)
        west: dict[str, Any] = {"email": "leads@west.example", "phone": "+61893350000", "abn": None}
        await floor.installer(name="Western", territory=postcodes("6160"), **west)
        assert await names(floor, f"q={q.replace(' ', '+').replace('%', '%25')}") == found

    async def test_of_a_region_are_those_that_have_any_part_of_it(self, floor: Floor) -> None:
        await floor.installer(name="All of it")
        await floor.installer(name="Into it", territory=postcode_range("2590", "2605"))
        await floor.installer(name="Elsewhere", territory=postcodes("3000"))
        assert await names(floor, "in=NSW") == ["All of it", "Into it"]

    async def test_at_a_cap_are_those_with_any_full_window(self, floor: Floor, clock: FixedClock) -> None:
        await floor.installer(Limits(day=1), name="Full today")
        await floor.installer(Limits(day=0), name="Takes none")
        await floor.installer(Limits(), name="Uncapped", territory=postcodes("6160"))
        await floor.dispatch(lead())
        assert await names(floor, "at_cap=true") == ["Full today", "Takes none"]
        clock.instant = NOW + timedelta(days=1)
        assert await names(floor, "at_cap=true") == ["Takes none"]

    async def test_tell_what_is_taken_of_each_window_and_what_was_delivered(
        self, floor: Floor, clock: FixedClock
    ) -> None:
        await floor.installer(Limits(3, 10))
        clock.instant = NOW - timedelta(days=1)
        await floor.dispatch(lead())
        await floor.deliver((await floor.only_assignment()).id)
        clock.instant = NOW
        await floor.dispatch(*leads(2))
        [row] = await rows(floor, installers.LISTING)
        assert (row.day, row.week, row.month, row.delivered) == (2, 3, 3, 1)
        assert row.last_assigned == NOW

    async def test_count_a_delivery_whose_place_was_released(self, floor: Floor) -> None:
        await floor.installer(Limits(3))
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        async with floor.database.transaction() as session:
            command = ReleaseCap(made.id, CapReleaseReason.INVALID_LEAD, None, ROBIN)
            await release_cap(session, command, NOW)
        [row] = await rows(floor, installers.LISTING)
        assert (row.day, row.delivered) == (0, 1)

    async def test_are_found_by_who_speaks_for_them(self, floor: Floor) -> None:
        known = await floor.installer(name="Southern")
        await floor.installer(name="Other")
        said = AddContact(new_id(), known, Contact("Ana Lim", ContactRole.SITE, None, "+61491570156"), ROBIN)
        async with floor.database.transaction() as session:
            await add_contact(session, said, NOW)
        assert await names(floor, "q=ana+lim") == ["Southern"]
        assert await names(floor, "q=0491+570+156") == ["Southern"]
        async with floor.database.transaction() as session:
            await remove_contact(session, known, said.contact_id, ROBIN, NOW)
        assert await names(floor, "q=ana+lim") == []

    async def test_tell_their_territory_as_one_text(self, floor: Floor) -> None:
        nsw, act = AustralianState.NSW, AustralianState.ACT
        territory = Territory(frozenset({nsw, act}), (PostcodeRange("0800", "0810"),), frozenset({"3000"}))
        await floor.installer(territory=territory)
        [row] = await rows(floor, installers.LISTING)
        assert row.territory == "ACT, NSW, 0800-0810, 3000"

    async def test_say_since_when_they_stand_still(self, floor: Floor) -> None:
        await floor.installer(name="Active")
        await floor.installer(name="Paused", status=InstallerStatus.PAUSED)
        assert [row.inactive_since for row in await rows(floor, installers.LISTING)] == [None, NOW]

    def test_have_tabs_that_the_list_understands(self) -> None:
        for listing in (installers.LISTING, assignments.LISTING):
            for tab in listing.tabs:
                assert read_query(listing, tab.query, ZONE).query == tab.query


class TestAssignments:
    async def test_are_late_once_they_are_on_their_way_for_longer_than_the_limit(
        self, floor: Floor, clock: FixedClock
    ) -> None:
        await floor.installer()
        await floor.dispatch(*leads(2))
        await floor.deliver((await floor.assignments())[0].id)
        assert await rows(floor, assignments.LISTING, "stuck=true") == []
        clock.instant = NOW + assignments.LIMIT + timedelta(seconds=1)
        [stuck] = await rows(floor, assignments.LISTING, "stuck=true")
        since = assignments.LISTING.column("since")
        assert since.is_late is not None
        assert since.is_late(stuck, clock.now())
        [sent] = await rows(floor, assignments.LISTING, "status=sent")
        assert not since.is_late(sent, clock.now())

    async def test_are_found_by_installer_lead_and_day(self, floor: Floor) -> None:
        wanted = lead()
        installer_id = await floor.installer(Limits(1), name="Southern")
        await floor.dispatch(wanted)
        await floor.installer(name="Other", territory=postcodes("2204"))
        await floor.dispatch(lead())
        for query in (f"installer_id={installer_id}", f"lead_id={wanted.lead_id}", f"q={wanted.lead_id}", "q=southern"):
            assert [row.to for row in await rows(floor, assignments.LISTING, query)] == ["Southern"], query
        assert len(await rows(floor, assignments.LISTING, "given_from=2026-03-03&given_to=2026-03-03")) == 2
        assert await rows(floor, assignments.LISTING, "given_to=2026-03-02") == []
