"""Scorecards: their figures agree with SQL written by hand, whether a day is rolled up or read as it stands."""

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chassis.console.wording import DASH
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import AustralianState
from services.routing.commands.rollups import roll_up
from services.routing.domain.scoring import score
from services.routing.pages.scorecards import LISTING, REGIONS_LISTING
from services.routing.pages.telling import EVENNESS
from services.routing.queries.scores import Sums, sums_by_installer
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import FREMANTLE, NOW, SHARED, Floor, lead, leads
from tests.routing.desk import Desk, faults

ZONE = ZoneInfo("Australia/Sydney")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
BY_HAND = """
SELECT i.id, (SELECT count(*) FROM decisions d WHERE i.id = ANY (d.candidate_ids)) AS considered,
    (SELECT count(*) FROM decisions d, unnest(d.candidate_ids, d.outcomes) t (id, o) WHERE t.id = i.id AND o = 'chosen')
        AS chosen,
    (SELECT sum(e) FROM decisions d, unnest(d.candidate_ids, d.entitled_ppm) t (id, e) WHERE t.id = i.id)
        AS entitled_ppm,
    (SELECT count(*) FROM assignments a WHERE a.installer_id = i.id AND status = 'sent') AS sent,
    (SELECT count(*) FROM assignments a WHERE a.installer_id = i.id AND status = 'failed') AS failed,
    (SELECT count(*) FROM assignments a WHERE a.installer_id = i.id AND status = 'returned') AS returned,
    (SELECT count(*) FROM assignments a WHERE a.installer_id = i.id AND sent_at <= created_at + interval '5 minutes')
        AS within_5_min
FROM installers i
"""


@pytest.fixture
async def worked(floor: Floor) -> Floor:
    """Three days of leads: some delivered at once and some late, one refused, one returned."""
    await floor.installers(3)
    for _ in range(3):
        await floor.dispatch(*leads(4), lead(SHARED), lead(location=FREMANTLE))
        made = [each for each in await floor.assignments() if each.created_at == floor.clock.now()]
        await floor.deliver(*[each.id for each in made[:4]])
        floor.clock.advance(10 * MINUTE)
        await floor.refuse_mail(made[4].id)
        await floor.deliver(*[each.id for each in made[5:]])
        await floor.send_back(made[0].id)
        floor.clock.advance(DAY - 10 * MINUTE)
    return floor


async def roll(floor: Floor) -> None:
    async with floor.database.transaction() as session:
        await roll_up(session, floor.clock.now(), ZONE)


async def sums(floor: Floor, days: int = 28) -> dict[Any, Sums]:
    async with floor.database.reading() as session:
        return await sums_by_installer(session, floor.clock.now(), days, ZONE)


async def agree(floor: Floor) -> None:
    told = await sums(floor)
    for row in await floor.rows(BY_HAND):
        of_it = told[row["id"]]
        assert {name: getattr(of_it, name) for name in row if name != "id"} == {
            n: v for n, v in row.items() if n != "id"
        }


class TestFigures:
    async def test_agree_before_anything_is_rolled_up_and_after(self, worked: Floor) -> None:
        await agree(worked)
        before = await sums(worked)
        await roll(worked)
        assert await sums(worked) == before
        [row] = await worked.rows(
            "SELECT count(DISTINCT day) AS days, count(DISTINCT state) AS states FROM installer_days"
        )
        assert row == {"days": 3, "states": 1}

    async def test_rolled_up_twice_is_rolled_up_once(self, worked: Floor) -> None:
        await roll(worked)
        before = await worked.rows("SELECT * FROM installer_days ORDER BY installer_id, day, state")
        await roll(worked)
        assert await worked.rows("SELECT * FROM installer_days ORDER BY installer_id, day, state") == before

    async def test_what_comes_back_weeks_later_changes_its_day(self, worked: Floor) -> None:
        await roll(worked)
        worked.clock.advance(14 * DAY)
        await worked.send_back(next(each.id for each in await worked.assignments() if each.status == "sent"))
        await roll(worked)
        await agree(worked)

    async def test_what_moves_between_two_nights_counts_at_once(self, worked: Floor) -> None:
        """What comes back of a day that was rolled up, and what was given on it and is delivered after midnight."""
        await worked.dispatch(*leads(3))
        given = [each for each in await worked.assignments() if each.created_at == worked.clock.now()]
        worked.clock.advance(DAY)
        await roll(worked)
        await agree(worked)
        worked.clock.advance(MINUTE)
        await worked.deliver(given[0].id)
        await worked.refuse_mail(given[1].id)
        await worked.send_back(next(each.id for each in await worked.assignments() if each.status == "sent"))
        await worked.send_back(given[0].id)
        await agree(worked)
        before = await sums(worked)
        worked.clock.advance(DAY)
        await roll(worked)
        assert await sums(worked) == before
        await agree(worked)

    async def test_what_was_given_back_and_is_of_another_state_is_counted_there_after_the_night(
        self, worked: Floor
    ) -> None:
        worked.clock.advance(5 * DAY)
        await roll(worked)
        back = next(each for each in await worked.assignments() if each.status == "returned")
        await worked.rows_changed("UPDATE dispatches SET state = 'VIC' WHERE lead_id = :id", id=back.lead_id)
        worked.clock.advance(DAY)
        await roll(worked)
        found = await worked.rows("SELECT state, sum(returned) AS n FROM installer_days GROUP BY state ORDER BY state")
        assert [(row["state"], row["n"]) for row in found] == [("NSW", 2), ("VIC", 1)]

    async def test_a_worker_that_was_away_rolls_up_all_that_it_missed(self, worked: Floor) -> None:
        worked.clock.advance(20 * DAY)
        await roll(worked)
        [row] = await worked.rows("SELECT count(DISTINCT day) AS days FROM installer_days")
        assert row == {"days": 3}
        await agree(worked)

    async def test_compares_with_as_many_days_before(self, worked: Floor) -> None:
        worked.clock.advance(2 * MINUTE)
        told = await sums(worked, days=2)
        [row] = await worked.rows(
            "SELECT count(*) AS n FROM assignments WHERE sent_at IS NOT NULL AND created_at < :until",
            until=NOW + 2 * DAY,
        )
        assert sum(each.before for each in told.values()) == row["n"]

    async def test_an_obstacle_is_counted_by_its_rule(self, floor: Floor) -> None:
        await floor.installer(services=("roofing",))
        await floor.dispatch(*leads(2))
        floor.clock.advance(DAY)
        await roll(floor)
        [row] = await floor.rows("SELECT considered, eligible, obstacles FROM installer_days")
        assert row == {"considered": 2, "eligible": 0, "obstacles": {"service": 2}}


class TestRates:
    def test_are_none_where_nothing_was_to_be_counted(self) -> None:
        nothing = dict.fromkeys(("sent", "failed", "returned", "deliver_seconds_sum", "within_5_min", "chosen"), 0)
        told = score(**nothing, entitled_ppm=0, before=0)
        assert (told.accept_rate, told.return_rate, told.deliver_seconds, told.quick_rate, told.trend) == (None,) * 5

    def test_are_of_what_was_delivered(self) -> None:
        told = score(
            sent=6,
            failed=2,
            returned=2,
            deliver_seconds_sum=800,
            within_5_min=4,
            chosen=10,
            entitled_ppm=9_500_000,
            before=16,
        )
        assert (told.delivered, told.accept_rate, told.return_rate) == (8, 0.8, 0.25)
        assert (told.deliver_seconds, told.quick_rate, told.entitled_leads, told.trend) == (100, 0.5, 9.5, -0.5)


class TestOverHttp:
    async def test_tells_installers_and_regions(self, worked: Floor, desk: Desk) -> None:
        told = await desk.get("/admin/scorecards")
        assert {each["name"] for each in told["scores"]} == {"Installer 0", "Installer 1", "Installer 2"}
        assert 0.9 < told["evenness"] <= 1
        regions = {each["state"]: each for each in (await desk.get("/admin/scorecards", by="region"))["scores"]}
        assert set(regions) == set(AustralianState)
        [row] = await worked.rows(
            """SELECT count(*) AS leads, percentile_disc(0.5) WITHIN GROUP
                   (ORDER BY extract(epoch FROM delivered_at - received_at)::bigint) AS median
               FROM dispatches WHERE state = 'NSW'"""
        )
        nsw = regions["NSW"]
        assert (nsw["leads"], nsw["covering"], nsw["median_seconds"]) == (row["leads"], 3, row["median"])
        assert (regions["WA"]["leads"], regions["WA"]["exceptions"], regions["WA"]["covering"]) == (3, 3, 0)
        assert (nsw["served"], regions["WA"]["served"], regions["TAS"]["median_seconds"]) == (15, 0, None)

    async def test_sorts_as_the_pages_do(self, worked: Floor, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
        for column in REGIONS_LISTING.columns:
            for sort in (column.name, f"-{column.name}"):
                told = await desk.get("/admin/scorecards", by="region", sort=sort)
                page = (await desk.client.get(f"/console/scorecards/regions?sort={sort}")).text
                shown = re.findall(r'<th scope="row"><a href="/console/scorecards/regions/([A-Z]+)">\1</a></th>', page)
                assert [each["state"] for each in told["scores"]] == shown, sort
                assert len(shown) == len(AustralianState)

    async def test_sorts_installers_by_what_is_told_of_them(self, worked: Floor, desk: Desk) -> None:
        names = [each["name"] for each in (await desk.get("/admin/scorecards", sort="-installer"))["scores"]]
        assert names == ["Installer 2", "Installer 1", "Installer 0"]
        rates = [each["return_rate"] for each in (await desk.get("/admin/scorecards", sort="came_back"))["scores"]]
        assert rates == sorted(rates)

    @pytest.mark.parametrize("sort", ["leads", "-age", "", "delivered\n"])
    async def test_refuses_an_order_that_there_is_not(self, desk: Desk, sort: str) -> None:
        answer = await desk.client.get(
            "/admin/scorecards", params={"sort": sort}, headers=desk.identity.headers(Role.EDITOR)
        )
        assert faults(answer) == {"sort": "invalid"}


class TestTheRoom:
    @pytest.fixture(autouse=True)
    def _signed_in(self, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))

    async def test_sorts_by_each_figure_and_tells_it(self, worked: Floor, desk: Desk) -> None:
        await roll(worked)
        for column in LISTING.columns:
            if column.sorts:
                answer = await desk.client.get(f"/console/scorecards?sort=-{column.name}")
                assert answer.status_code == 200, column.name
        assert "Installer 0" in answer.text

    async def test_goes_to_the_next_page_by_a_rate(self, floor: Floor, desk: Desk) -> None:
        await floor.installers(60)
        await floor.dispatch(*leads(60))
        floor.clock.advance(MINUTE)
        first = (await desk.client.get("/console/scorecards?sort=-accepted")).text
        [after] = re.findall(r'href="([^"]*)" rel="next"', first)
        second = await desk.client.get(html.unescape(after))
        assert second.status_code == 200
        assert "Installer" in second.text

    async def test_has_its_csv(self, worked: Floor, desk: Desk) -> None:
        sheet = await desk.client.post("/console/scorecards/export", data={"csrf": CSRF, "query": ""})
        assert sheet.status_code == 200, sheet.text
        assert "Installer 0" in sheet.text

    async def test_says_how_even_all_of_it_was_and_how_that_is_reckoned(self, worked: Floor, desk: Desk) -> None:
        told = (await desk.get("/admin/scorecards"))["evenness"]
        page = html.unescape((await desk.client.get("/console/scorecards")).text)
        assert f"Evenness {told:.3f}" in page
        assert EVENNESS in page

    async def test_says_nothing_of_evenness_where_nobody_was_due_a_lead(self, floor: Floor, desk: Desk) -> None:
        assert "Evenness" not in (await desk.client.get("/console/scorecards")).text


class TestTheRegions:
    @pytest.fixture(autouse=True)
    def _signed_in(self, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))

    async def test_are_told_alike_before_anything_is_rolled_up_and_after(self, worked: Floor, desk: Desk) -> None:
        before = await self.sheet(desk)
        await roll(worked)
        assert await self.sheet(desk) == before

    async def test_have_their_csv_which_is_empty_where_nothing_was_to_be_counted(
        self, worked: Floor, desk: Desk
    ) -> None:
        rows = {row["region"]: row for row in await self.sheet(desk, "sort=region")}
        assert list(rows) == sorted(AustralianState)
        [figures] = await worked.rows(
            """SELECT count(*) FILTER (WHERE status IN ('sent', 'returned')) AS delivered,
                      count(*) FILTER (WHERE status = 'returned') AS returned,
                      count(*) FILTER (WHERE status = 'failed') AS failed FROM assignments"""
        )
        nsw, delivered = rows["NSW"], figures["delivered"]
        assert (nsw["delivered"], nsw["leads"], nsw["served"], nsw["covering"]) == (str(delivered), "15", "15", "3")
        assert float(nsw["accepted"]) == pytest.approx(delivered / (delivered + figures["failed"]))
        assert float(nsw["came_back"]) == pytest.approx(figures["returned"] / delivered)
        nothing = ("median", "accepted", "came_back", "trend", "took", "quick")
        assert [rows["TAS"][name] for name in nothing] == [""] * len(nothing)
        assert nsw["trend"] == ""
        assert (rows["WA"]["leads"], rows["WA"]["raised"]) == ("3", "3")

    async def test_lead_to_what_stands_behind_their_figures(self, worked: Floor, desk: Desk) -> None:
        page = html.unescape((await desk.client.get("/console/scorecards/regions")).text)
        assert 'href="/console/exceptions?in=WA&raised_from=2026-02-07&raised_to=2026-03-06"' in page
        assert 'href="/console/assignments?in=NSW&status=returned&given_from=2026-02-07&given_to=2026-03-06"' in page
        assert 'href="/console/installers?in=NSW&status=active"' in page
        assert "in=TAS" not in page

    async def test_are_shown_a_dash_where_nothing_was_to_be_counted(self, worked: Floor, desk: Desk) -> None:
        page = (await desk.client.get("/console/scorecards/regions?sort=region")).text
        tasmania = page[page.index(">TAS</a></th>") : page.index(">VIC</a></th>")]
        assert re.findall(r"<td[^>]*>([^<]*)</td>", tasmania)[4:10] == [DASH] * 6

    async def sheet(self, desk: Desk, query: str = "") -> list[dict[str, str]]:
        answer = await desk.client.post("/console/scorecards/regions/export", data={"csrf": CSRF, "query": query})
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


class TestOnAnInstallersPage:
    @pytest.fixture(autouse=True)
    def _signed_in(self, desk: Desk, identity: TestIdentity) -> None:
        desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))

    async def test_stands_on_an_installers_page(self, worked: Floor, desk: Desk) -> None:
        [row] = await worked.rows("SELECT id FROM installers WHERE name = 'Installer 0'")
        page = (await desk.client.get(f"/console/installers/{row['id']}")).text
        assert "Scorecard of 28 days" in page
