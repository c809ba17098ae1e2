"""Coverage: against a look at every postcode by itself, and as the page and the JSON tell it."""

import csv
import html
import io
import re
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import AustralianState, InstallerStatus, Location
from services.routing.domain.coverage import Demand, segments, with_demand
from services.routing.domain.places import POSTCODES
from services.routing.domain.profile import PostcodeRange, Territory
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import NOW, Floor, lead, postcode_range, postcodes
from tests.routing.desk import Desk

SYDNEY = Location(suburb="Sydney", state=AustralianState.NSW, postcode="2000")
CODES = st.integers(2595, 2625).map(lambda number: f"{number:04}")
RANGES = st.tuples(CODES, CODES).map(lambda ends: PostcodeRange(min(ends), max(ends)))
TERRITORIES = st.builds(
    Territory,
    st.frozensets(st.sampled_from([AustralianState.ACT, AustralianState.NSW]), max_size=1),
    st.lists(RANGES, max_size=4).map(tuple),
    st.frozensets(CODES, max_size=4),
)
WORLDS = st.lists(TERRITORIES, max_size=4).map(lambda each: {UUID(int=n): made for n, made in enumerate(each, 1)})
BORDER = (AustralianState.ACT, AustralianState.NSW)


def covers(territory: Territory, state: AustralianState, postcode: str) -> bool:
    return (
        state in territory.states
        or postcode in territory.postcodes
        or any(r.first <= postcode <= r.last for r in territory.ranges)
    )


@given(WORLDS)
def test_each_postcode_has_those_that_cover_it_and_neighbours_differ(world: dict[UUID, Territory]) -> None:
    cut = segments(world, BORDER)
    told = {
        (segment.state, f"{code:04}"): segment.installer_ids
        for segment in cut
        for code in range(int(segment.first), int(segment.last) + 1)
    }
    assert sum(segment.size for segment in cut) == len(told)
    for state in BORDER:
        for allotted in POSTCODES[state]:
            for number in range(int(allotted.first), int(allotted.last) + 1):
                code = f"{number:04}"
                by_hand = tuple(sorted(id_ for id_, each in world.items() if covers(each, state, code)))
                assert told[state, code] == by_hand
    for one, other in pairwise(cut):
        touching = one.state is other.state and int(one.last) + 1 == int(other.first)
        assert not touching or one.installer_ids != other.installer_ids


@given(WORLDS, st.lists(st.tuples(st.sampled_from(BORDER), CODES, st.integers(0, 9)), max_size=8))
def test_demand_is_told_where_it_was(
    world: dict[UUID, Territory], asked: list[tuple[AustralianState, str, int]]
) -> None:
    demand = [Demand(state, code, leads, leads // 2) for state, code, leads in asked]
    found = with_demand(segments(world, BORDER), demand)
    for each in found:
        inside = [
            one
            for one in demand
            if one.state is each.segment.state and each.segment.first <= one.postcode <= each.segment.last
        ]
        assert (each.leads, each.not_placed) == (sum(d.leads for d in inside), sum(d.not_placed for d in inside))


@pytest.fixture
async def covered(floor: Floor) -> Floor:
    """2000 to 2099 has two, one of them away; of 2204 somebody paused; the rest of NSW nobody."""
    await floor.installer(name="Ana Solar", territory=postcode_range("2000", "2099"))
    gone = await floor.installer(name="Gone Solar", territory=postcode_range("2050", "2099"))
    await floor.absence(gone, NOW - timedelta(days=1))
    await floor.installer(name="Paused Solar", territory=postcodes("2204"), status=InstallerStatus.PAUSED)
    await floor.installer(name="Heats water", territory=postcodes("2204"), services=("heat-pump",))
    await floor.dispatch(lead(), lead(), lead(location=SYDNEY))
    return floor


class TestOverHttp:
    async def test_tells_who_covers_what_and_what_was_asked(self, covered: Floor, desk: Desk) -> None:
        told = await desk.get("/admin/coverage", service="solar-battery", state="NSW")
        by_first = {each["first"]: each for each in told["segments"]}
        assert {each["state"] for each in told["segments"]} == {"NSW"}
        assert [i["name"] for i in by_first["2050"]["installers"]] == ["Ana Solar", "Gone Solar"]
        assert [i["is_away"] for i in by_first["2050"]["installers"]] == [False, True]
        assert (by_first["2000"]["last"], by_first["2000"]["leads"], by_first["2000"]["not_placed"]) == ("2049", 1, 0)
        gap = by_first["2204"]
        assert (gap["last"], gap["active_count"], gap["leads"], gap["not_placed"]) == ("2204", 0, 2, 2)
        assert [i["name"] for i in gap["installers"]] == ["Paused Solar"]

    async def test_forgets_what_was_asked_long_ago(self, covered: Floor, desk: Desk) -> None:
        covered.clock.advance(timedelta(days=31))
        told = await desk.get("/admin/coverage", service="solar-battery", state="NSW")
        assert sum(each["leads"] + each["not_placed"] for each in told["segments"]) == 0


class TestTheRoom:
    @pytest.fixture(autouse=True)
    def _signed_in(self, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))

    async def test_opens_with_the_gaps_that_are_asked_for(self, covered: Floor, desk: Desk) -> None:
        page = (await desk.client.get("/console/coverage?service=solar-battery")).text
        assert "Gaps with demand (1)" in page
        assert '<th scope="row">2204</th>' in page
        assert "Paused Solar</a> (not active)" in page
        assert "/console/installers?q=solar-battery&amp;in=NSW" in page

    async def test_shows_overlaps_of_more_than_so_many(self, covered: Floor, desk: Desk) -> None:
        page = (await desk.client.get("/console/coverage?service=solar-battery&in=NSW&view=overlaps&more_than=1")).text
        assert "Overlaps (1)" in page
        assert '<th scope="row">2050–2099</th>' in page  # noqa: RUF001  # as print has it
        assert "Gone Solar</a> (away)" in page

    async def test_has_a_next_page_until_every_stretch_was_shown(self, floor: Floor, desk: Desk) -> None:
        codes = [f"{code}" for code in range(2000, 2420, 2)]
        await floor.installer(territory=postcodes(*codes))
        await floor.dispatch(lead(location=SYDNEY))
        path, seen = "/console/coverage?view=all&in=NSW", []
        while path:
            page = (await desk.client.get(path)).text
            seen.append(re.findall(r'<th scope="row">(\d{4})', page))
            path = html.unescape(next(iter(re.findall(r'href="([^"]+)" rel="next"', page)), ""))
        stretches = (await desk.get("/admin/coverage", service="solar-battery", state="NSW"))["segments"]
        told = [each["first"] for each in stretches]
        assert [len(rows) for rows in seen] == [200, 200, len(told) - 400]
        assert [each for rows in seen for each in rows] == sorted(told, key=lambda first: (first != "2000", first))
        assert f"Stretches 401 to {len(told)} of {len(told)}" in page
        assert (
            'href="/console/coverage?service=solar-battery&amp;in=NSW&amp;view=all&amp;more_than=3">First page' in page
        )

    async def test_is_taken_along_as_its_page_shows_it(self, covered: Floor, desk: Desk) -> None:
        asked = {"service": "solar-battery", "state": "NSW", "view": "gaps", "more_than": "3"}
        sheet = await desk.client.post("/console/coverage/export", data={"csrf": CSRF, **asked})
        assert sheet.status_code == 200, sheet.text
        rows = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
        stretches = (await desk.get("/admin/coverage", service="solar-battery", state="NSW"))["segments"]
        gaps = {each["first"]: each for each in stretches if not each["active_count"]}
        assert {row["first"] for row in rows} == set(gaps)
        assert rows[0] == {
            "state": "NSW",
            "first": "2204",
            "last": "2204",
            "active": "0",
            "installers": "Paused Solar",
            "leads": "2",
            "not_placed": "2",
        }
        [entry] = await covered.rows("SELECT subject_id, after FROM audit_entries WHERE action = 'export_list'")
        assert (entry["subject_id"], entry["after"]["view"]) == ("coverage", "gaps")

    async def test_refuses_a_place_that_is_none(self, floor: Floor, desk: Desk) -> None:
        assert (await desk.client.get("/console/coverage?after=1.2.NSW")).status_code == 422

    async def test_says_that_nothing_is_missing(self, floor: Floor, desk: Desk) -> None:
        await floor.installer(territory=Territory(frozenset(AustralianState)))
        page = (await desk.client.get("/console/coverage?in=&view=gaps")).text
        assert "Every postcode has somebody." in page

    async def test_is_there_before_anybody_works(self, floor: Floor, desk: Desk) -> None:
        assert (await desk.client.get("/console/coverage")).status_code == 200
