"""Every figure of a scorecard, of installers and of regions, in list and detail, on the page and in JSON: by hand."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.console.wording import DASH, money
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import AustralianState, InstallerStatus, Location
from services.routing.domain.profile import PostcodeRange, Territory
from services.routing.domain.windows import Limits
from tests.kit.identity import TestIdentity
from tests.routing.arrangements import FREMANTLE, Floor, lead, leads
from tests.routing.desk import UNKNOWN, Desk, code_of

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
GEELONG = Location(suburb="Geelong", state=AustralianState.VIC, postcode="3220")
BY_HAND = """
WITH given AS (
    SELECT a.*, timezone('Australia/Sydney', a.created_at)::date > DATE '2026-03-03' AS is_now
    FROM assignments a JOIN dispatches d ON d.lead_id = a.lead_id
    WHERE a.installer_id = ANY (:installers) AND d.state = ANY (:states)
), share AS (
    SELECT outcome, ppm FROM decisions made JOIN dispatches d ON d.lead_id = made.lead_id,
        unnest(made.candidate_ids, made.outcomes, made.entitled_ppm) AS told (id, outcome, ppm)
    WHERE told.id = ANY (:installers) AND d.state = ANY (:states)
        AND timezone('Australia/Sydney', made.decided_at)::date > DATE '2026-03-03'
)
SELECT count(*) FILTER (WHERE is_now AND status IN ('sent', 'returned')) AS delivered,
    count(*) FILTER (WHERE NOT is_now AND status IN ('sent', 'returned')) AS before,
    count(*) FILTER (WHERE is_now AND status = 'failed') AS failed,
    count(*) FILTER (WHERE is_now AND status = 'returned') AS returned,
    (sum(extract(epoch FROM sent_at - created_at)) FILTER (WHERE is_now))::int AS seconds,
    (SELECT count(*) FROM share WHERE outcome = 'chosen') AS chosen, (SELECT sum(ppm)::int FROM share) AS ppm
FROM given
"""
STANDING_BY_HAND = """
SELECT (SELECT count(*) FROM assignments WHERE installer_id = ANY (:capped) AND cap_state IN ('reserved', 'counted'))
        AS taken,
    (SELECT sum(month_limit) FROM installers WHERE id = ANY (:capped)) AS cap,
    (SELECT coalesce(sum(outstanding_cents), 0)::int FROM installer_accounts WHERE installer_id = ANY (:owing))
        AS outstanding,
    (SELECT coalesce(sum(overdue_cents), 0)::int FROM installer_accounts WHERE installer_id = ANY (:owing)) AS overdue
"""


@dataclass(frozen=True, slots=True)
class Figures:
    delivered: int
    before: int
    failed: int
    returned: int
    seconds: int | None
    chosen: int
    ppm: int | None
    taken: int
    cap: int | None
    outstanding: int
    overdue: int

    def as_json(self) -> dict[str, Any]:
        return {
            "delivered": self.delivered,
            "accept_rate": self.part(self.delivered, self.delivered + self.failed),
            "return_rate": self.part(self.returned, self.delivered),
            "deliver_seconds": self.seconds // self.delivered if self.seconds is not None else None,
            "chosen": self.chosen,
            "entitled_leads": (self.ppm or 0) / 1_000_000,
            "trend": self.part(self.delivered - self.before, self.before),
            "cap_taken": self.taken,
            "cap_limit": self.cap,
            "outstanding_cents": self.outstanding,
            "overdue_cents": self.overdue,
        }

    def as_read(self) -> dict[str, str]:
        """By the titles of the columns."""
        told = self.as_json()
        trend, seconds = told["trend"], told["deliver_seconds"]
        return {
            "Delivered": str(self.delivered or DASH),
            "Against before": DASH if trend is None else f"{trend * 100:+.0f} %".replace("-", "−"),  # noqa: RUF001  # a true minus
            "Accepted": self.percent(told["accept_rate"]),
            "Returned": self.percent(told["return_rate"]),
            "Time to deliver": self.span(seconds),
            "Got of its share": f"{self.chosen} of {told['entitled_leads']:.1f}",
            "Cap of the cycle": f"{self.taken} no cap" if self.cap is None else f"{self.taken} of {self.cap}",
            "Outstanding, AUD": money(self.outstanding),
            "Overdue, AUD": money(self.overdue),
        }

    @staticmethod
    def part(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    @staticmethod
    def span(seconds: int | None) -> str:
        if seconds is None or seconds < 60:
            return DASH if seconds is None else f"{seconds} s"
        return f"{seconds // 60} min {seconds % 60} s"

    @staticmethod
    def percent(rate: float | None) -> str:
        return DASH if rate is None else f"{rate * 100:.1f} %"


NAMES = ("Ana", "Bo", "Both", "Gone")
STATES = [state.value for state in AustralianState]
CAPPED = {"NSW": ("Ana", "Both"), "VIC": ("Both",)}
OWING = {"NSW": ("Ana", "Bo", "Both"), "VIC": ("Both", "Gone")}
"""Who has no cap is not in the sum of those that have one; who is paused owes all the same."""


@dataclass
class Trade:
    """Two installers of New South Wales, one of both states, and one of Victoria that is paused and owes."""

    floor: Floor
    ids: dict[str, UUID]

    async def by_hand(
        self, names: tuple[str, ...], states: list[str], capped: tuple[str, ...], owing: tuple[str, ...]
    ) -> Figures:
        [counted] = await self.floor.rows(BY_HAND, installers=self._ids(names), states=states)
        [standing] = await self.floor.rows(STANDING_BY_HAND, capped=self._ids(capped), owing=self._ids(owing))
        return Figures(**counted, **standing)

    def _ids(self, names: tuple[str, ...]) -> list[UUID]:
        return [self.ids[name] for name in names]

    async def of_installer(self, name: str, states: list[str] = STATES) -> Figures:
        return await self.by_hand((name,), states, (name,), (name,))

    async def of_region(self, state: str) -> Figures:
        return await self.by_hand(NAMES, [state], CAPPED.get(state, ()), OWING.get(state, ()))


@pytest.fixture
async def trade(floor: Floor) -> Trade:
    """A month: some before the days that count and some in them, late and at once, refused, returned, in two states."""
    both = Territory(frozenset({AustralianState.NSW}), (PostcodeRange("3200", "3300"),))
    gone = Territory(frozenset({AustralianState.VIC}))
    ids = {
        "Ana": await floor.installer(Limits(month=9), name="Ana"),
        "Bo": await floor.installer(name="Bo"),
        "Both": await floor.installer(Limits(month=20), name="Both", territory=both),
        "Gone": await floor.installer(Limits(month=7), name="Gone", territory=gone, status=InstallerStatus.PAUSED),
    }
    for place, id_ in enumerate(ids.values(), start=1):
        await floor.account(id_, outstanding_cents=100_00 * place, overdue_cents=10_50 * place)
    for number in (7, 3):
        await floor.dispatch(*leads(number), *(lead(location=GEELONG) for _ in range(2)), lead(location=FREMANTLE))
        made = [each for each in await floor.assignments() if each.created_at == floor.clock.now()]
        await floor.deliver(*[each.id for each in made[2:]])
        floor.clock.advance(7 * MINUTE)
        await floor.deliver(made[0].id)
        await floor.refuse_mail(made[1].id)
        await floor.send_back(made[3].id)
        floor.clock.advance(28 * DAY - 10 * MINUTE)
    floor.clock.advance(-28 * DAY + 10 * MINUTE)
    return Trade(floor, ids)


def text_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup)).strip()


def rows_of(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Of the last table: what each row is about, and its cells by their titles."""
    table = page[page.rindex("<table") :]
    _, *titles = [text_of(head) for head in re.findall(r"<th scope=\"col\".*?</th>", table, re.DOTALL)]
    for row in re.findall(r"<tr[ >](?:(?!</tr>).)*<th scope=\"row\".*?</tr>", table, re.DOTALL):
        about, *cells = [text_of(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)]
        yield about, dict(zip(titles, cells, strict=True))


def facts_of(page: str) -> dict[str, str]:
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", page, re.DOTALL)
    told = {text_of(title): text_of(value).removesuffix(" leads") for title, value in found}
    return told | {"Against before": told.get("Against the 28 days before", "")}


def doors_of(page: str) -> dict[str, str]:
    """Where the facts of a page lead, by their titles."""
    found = re.findall(r"<dt>([^<]*)</dt>\s*<dd[^>]*>\s*<a href=\"([^\"]*)\"", page)
    return {text_of(title): html.unescape(path) for title, path in found}


async def behind(desk: Desk, path: str) -> int:
    """How many rows a list has."""
    answer = await desk.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text.count('<th scope="row"')


def of(told: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in wanted}


async def test_every_figure_is_that_of_sql_by_hand_in_every_view(
    trade: Trade, desk: Desk, identity: TestIdentity
) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))

    async def page(path: str) -> str:
        answer = await desk.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    listed = {each["name"]: each for each in (await desk.get("/admin/scorecards"))["scores"]}
    rows = dict(rows_of(await page("/console/scorecards")))
    assert set(listed) == set(rows) == set(NAMES)
    for name in NAMES:
        by_hand = await trade.of_installer(name)
        wanted, read = by_hand.as_json(), by_hand.as_read()
        alone = (await desk.get(f"/admin/installers/{trade.ids[name]}/scorecard"))["score"]
        assert of(alone, wanted) == wanted, name
        own = facts_of(await page(f"/console/installers/{trade.ids[name]}"))
        assert of(own, read) == read | {"Delivered": str(by_hand.delivered)}, name
        assert (of(listed[name], wanted), of(rows[name], read)) == (wanted, read), name

    regions = {each["state"]: each for each in (await desk.get("/admin/scorecards", by="region"))["scores"]}
    rows = dict(rows_of(await page("/console/scorecards/regions")))
    assert set(regions) == set(rows) == set(STATES)
    for state in STATES:
        by_hand = await trade.of_region(state)
        wanted, read = by_hand.as_json(), by_hand.as_read()
        assert (of(regions[state], wanted), of(rows[state], read)) == (wanted, read), state
        told = await desk.get(f"/admin/scorecards/regions/{state}")
        document = await page(f"/console/scorecards/regions/{state}")
        assert of(told["score"], wanted) == wanted, state
        assert of(facts_of(document), read) == read | {"Delivered": str(by_hand.delivered)}, state
        within = dict(rows_of(document)) if told["installers"] else {}
        assert [each["name"] for each in told["installers"]] == [name.split(" ")[0] for name in within]
        for each in told["installers"]:
            by_hand = await trade.of_installer(each["name"], [state])
            assert of(each, by_hand.as_json()) == by_hand.as_json()
            assert of(within[each["name"]], by_hand.as_read()) == by_hand.as_read()
    assert [each["name"] for each in (await desk.get("/admin/scorecards/regions/VIC"))["installers"]] == [
        "Both",
        "Gone",
    ]


async def test_the_arrangement_tells_figures_apart(trade: Trade) -> None:
    """Lest the test above compare zeros."""
    ana, victoria = await trade.of_installer("Ana"), await trade.of_region("VIC")
    assert min(victoria.delivered, victoria.before, victoria.chosen, victoria.taken, victoria.outstanding) > 0
    assert victoria.cap == 20
    assert (ana.outstanding, victoria.outstanding, victoria.overdue) == (100_00, 700_00, 73_50)


async def test_who_works_there_no_more_is_named_with_what_it_got_there(trade: Trade, desk: Desk) -> None:
    await desk.do("PUT", f"/admin/installers/{trade.ids['Both']}/territory", {"states": ["NSW"]})
    told = await desk.get("/admin/scorecards/regions/VIC")
    assert [(each["name"], each["works_there"]) for each in told["installers"]] == [("Both", False), ("Gone", True)]
    assert (told["score"]["covering"], told["score"]["cap_limit"], told["score"]["outstanding_cents"]) == (
        0,
        None,
        400_00,
    )
    assert told["score"]["delivered"] > 0


async def test_a_region_leads_to_what_stands_behind_its_figures(
    trade: Trade, desk: Desk, identity: TestIdentity
) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    page = (await desk.client.get("/console/scorecards/regions/VIC")).text
    doors = {html.unescape(path) for path in re.findall(r'href="(/console/[^"]*\bin=VIC[^"]*)"', page)}
    assert len(doors) == 9
    for path in doors:
        assert (await desk.client.get(path)).status_code == 200, path
    own = (await desk.get("/admin/scorecards/regions/VIC"))["installers"][0]
    [path] = [path for path in doors if str(trade.ids["Both"]) in path]
    assert (own["name"], await behind(desk, path)) == ("Both", own["delivered"])
    given = (await desk.client.get(doors_of(page)["Delivered"])).text
    assert all("Geelong" in row["Lead"] for _, row in rows_of(given))


async def test_behind_a_figure_are_as_many_rows_as_it_says(trade: Trade, desk: Desk, identity: TestIdentity) -> None:
    """Not those of before its days, nor of any other state."""
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    came_back = 0
    for name in NAMES:
        by_hand = await trade.of_installer(name)
        doors = doors_of((await desk.client.get(f"/console/installers/{trade.ids[name]}")).text)
        told = await behind(desk, doors["Delivered"]), await behind(desk, doors["Returned"])
        assert told == (by_hand.delivered, by_hand.returned), name
        came_back += by_hand.returned
    assert came_back > 0
    for state, raised in (("VIC", 0), ("WA", 1)):
        score = (await desk.get(f"/admin/scorecards/regions/{state}"))["score"]
        doors = doors_of((await desk.client.get(f"/console/scorecards/regions/{state}")).text)
        told = await behind(desk, doors["Delivered"]), await behind(desk, doors["Raised to operators"])
        assert told == (score["delivered"], score["exceptions"]) == ((await trade.of_region(state)).delivered, raised)


async def test_a_region_has_all_of_its_installers_page_by_page(
    floor: Floor, desk: Desk, identity: TestIdentity
) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    await floor.installers(52)
    path = "/console/scorecards/regions/NSW"
    first = (await desk.client.get(path)).text
    assert f'href="{path}?page=2">The next 2 of 52</a>' in first
    second = (await desk.client.get(f"{path}?page=2")).text
    assert len({about for page in (first, second) for about, _ in rows_of(page)}) == 52


async def test_there_is_none_of_an_installer_or_a_region_that_is_not(desk: Desk, identity: TestIdentity) -> None:
    answer = await desk.ask("GET", f"/admin/installers/{UNKNOWN}/scorecard")
    assert (answer.status_code, code_of(answer)) == (404, "no_such_installer")
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))
    for path in ("/admin", "/console"):
        answer = await desk.client.get(f"{path}/scorecards/regions/ZZ", headers=identity.headers(Role.EDITOR))
        assert answer.status_code == 422, path
