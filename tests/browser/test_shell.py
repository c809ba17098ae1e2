"""What spans the rooms: home, the palette, the search, the counts in the rail, and who is signed in how."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Route, expect

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from deploy import SERVICES
from services.routing.models import DispatchException
from tests.browser.conftest import NARROW, Rooms, Visit
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
NOT_SIGNED_IN = json.dumps({"type": "urn:waybill:problem:not_signed_in", "errors": []})
SHIFTED = """() => new Promise((resolve) => new PerformanceObserver((list) => resolve(
    list.getEntries().reduce((sum, entry) => sum + entry.value, 0))).observe({ type: "layout-shift", buffered: true })
    || setTimeout(() => resolve(0), 100))"""


async def waiting(rooms: Rooms) -> DispatchException:
    await rooms.floor.dispatch(lead())
    return await rooms.floor.only_exception()


async def at_home(rooms: Rooms, visit: Visits, **options: Any) -> Visit:
    here: Visit = await visit(**options)
    await here.sign_in(await rooms.person(Role.SUPER_ADMIN), f"{rooms.identity}/console")
    return here


class TestHome:
    async def test_gathers_what_waits_and_leads_to_it(self, rooms: Rooms, visit: Visits) -> None:
        await waiting(rooms)
        rooms.clock.advance(timedelta(hours=9))
        here = await at_home(rooms, visit)
        await expect(here.page.get_by_text("1 waiting, 1 urgent")).to_be_visible()
        await expect(here.page.get_by_text("oldest 9 h ago")).to_be_visible()
        await here.page.get_by_role("link", name="1 lead waits as expected").click()
        await expect(here.page.get_by_role("heading", level=1)).to_have_text("Exceptions")

    async def test_draws_charts_whose_bars_lead_to_their_rows(self, rooms: Rooms, visit: Visits) -> None:
        await waiting(rooms)
        here = await at_home(rooms, visit)
        await here.page.locator(".bar-row", has_text="No coverage").click()
        await expect(here.page).to_have_url(re.compile("state=open&reason=no_coverage"))

    async def test_says_so_where_nothing_waits(self, rooms: Rooms, visit: Visits) -> None:
        for service in SERVICES:
            rooms.address(service)
        here = await at_home(rooms, visit)
        await expect(here.page.get_by_role("heading", name="Nothing waits")).to_be_visible()

    async def test_moves_nothing_of_what_is_read_already(self, rooms: Rooms, visit: Visits) -> None:
        await waiting(rooms)
        here = await at_home(rooms, visit)
        await expect(here.page.get_by_text("1 lead waits")).to_be_visible()
        assert await here.page.evaluate(SHIFTED) < 0.01

    async def test_tells_of_a_service_that_is_away_and_shows_the_others(self, rooms: Rooms, visit: Visits) -> None:
        here: Visit = await visit()
        await here.page.route("**/console/desk/routing/today*", _abort)
        await here.sign_in(await rooms.person(), f"{rooms.identity}/console")
        await expect(here.page.get_by_text("Dispatch does not answer")).to_be_visible()
        await expect(here.page.get_by_role("link", name="What waits in Dispatch")).to_be_visible()
        await expect(here.page.get_by_role("heading", name="Nothing waits")).to_be_hidden()
        here.complaints = [each for each in here.complaints if "net::ERR_FAILED" not in each]

    async def test_leads_to_the_sign_in_where_the_session_has_ended(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_home(rooms, visit)

        async def end(route: Route) -> None:
            await here.context.clear_cookies()
            await route.fulfill(status=401, content_type="application/problem+json", body=NOT_SIGNED_IN)

        await here.page.route("**/console/desk/identity/today*", end)
        await here.page.goto(f"{rooms.identity}/console")
        await expect(here.page.get_by_role("heading", level=1)).to_have_text("Sign in")

    async def test_leads_to_each_services_page_without_scripts(self, rooms: Rooms, visit: Visits) -> None:
        await waiting(rooms)
        here = await at_home(rooms, visit, java_script_enabled=False)
        await here.page.get_by_role("link", name="What waits in Dispatch").click()
        await expect(here.page.get_by_role("heading", level=1)).to_have_text("Today in Dispatch")
        await here.page.get_by_role("link", name="1 lead waits as expected").click()
        await expect(here.page).to_have_url(f"{rooms.routing}/console/exceptions?state=open&kind=expected")


class TestPalette:
    async def test_goes_to_a_room_by_its_name(self, rooms: Rooms, visit: Visits) -> None:
        address = f"{rooms.routing}/console/exceptions?state=open"
        here = await at_home(rooms, visit)
        await here.page.keyboard.press("Control+k")
        await here.page.keyboard.type("excep")
        await expect(here.page.get_by_role("option", name="Exceptions")).to_have_attribute("aria-selected", "true")
        await here.page.keyboard.press("Enter")
        await here.page.wait_for_url(address)

    async def test_finds_at_another_service_by_an_id(self, rooms: Rooms, visit: Visits) -> None:
        item = await waiting(rooms)
        here = await at_home(rooms, visit)
        await here.page.keyboard.press("/")
        await here.page.keyboard.type(str(item.id))
        found = here.page.get_by_role("option", name="Solar battery, Marrickville")
        await expect(found).to_have_attribute("aria-selected", "true")
        field = here.page.get_by_role("combobox")
        await expect(field).to_have_attribute("aria-activedescendant", await found.get_attribute("id") or "missing")
        await here.page.keyboard.press("ArrowDown")
        await expect(here.page.get_by_role("option", name="All that is found")).to_have_attribute(
            "aria-selected", "true"
        )
        await here.page.keyboard.press("ArrowUp")
        await here.page.keyboard.press("Enter")
        await here.page.wait_for_url(f"{rooms.routing}/console/exceptions/{item.id}")

    async def test_keeps_the_page_where_the_session_has_ended(self, rooms: Rooms, visit: Visits) -> None:
        here: Visit = await visit()
        await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions")
        await here.context.clear_cookies()
        await here.page.keyboard.press("Control+k")
        await here.page.keyboard.type("0400")
        await expect(here.page.get_by_text("Your session has ended")).to_be_visible()

    async def test_says_that_a_service_is_away(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_home(rooms, visit)
        await here.page.route("**/console/desk/routing/search*", _abort)
        await here.page.keyboard.press("Control+k")
        await here.page.keyboard.type("0400")
        await expect(here.page.get_by_text("Nothing found; Dispatch does not answer")).to_be_visible()
        here.complaints = [each for each in here.complaints if "net::ERR_FAILED" not in each]

    async def test_closes_and_gives_the_focus_back(self, rooms: Rooms, visit: Visits) -> None:
        here: Visit = await visit()
        await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions")
        await here.page.keyboard.press("/")
        await here.page.keyboard.press("Control+k")
        await expect(here.page.get_by_role("combobox", name="Search or go to")).to_be_focused()
        await here.page.keyboard.press("Escape")
        await expect(here.page.locator("main [data-search]")).to_be_focused()

    async def test_opens_from_the_field_in_the_bar_with_what_is_typed(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_home(rooms, visit)
        await here.page.get_by_label("Search everything").focus()
        await here.page.keyboard.type("x")
        await expect(here.page.get_by_role("combobox")).to_have_value("x")

    async def test_goes_on_where_the_access_has_run_out(self, rooms: Rooms, visit: Visits) -> None:
        item = await waiting(rooms)
        here = await at_home(rooms, visit)
        await here.context.clear_cookies(name=ACCESS_COOKIE)
        await here.page.keyboard.press("Control+k")
        await here.page.keyboard.type(str(item.id))
        await expect(here.page.get_by_role("option", name="Solar battery, Marrickville")).to_be_visible()


class TestSearch:
    async def test_is_a_form_without_scripts(self, rooms: Rooms, visit: Visits) -> None:
        item = await waiting(rooms)
        here = await at_home(rooms, visit, java_script_enabled=False)
        await here.page.get_by_label("Search everything").fill(str(item.id))
        await here.page.keyboard.press("Enter")
        await expect(here.page.get_by_text("Nothing found here")).to_be_visible()
        await here.page.get_by_role("link", name="Search in Dispatch").click()
        await here.page.get_by_role("link", name="Solar battery, Marrickville").click()
        await expect(here.page).to_have_url(f"{rooms.routing}/console/exceptions/{item.id}")

    async def test_gathers_all_services_on_one_page(self, rooms: Rooms, visit: Visits) -> None:
        item = await waiting(rooms)
        here = await at_home(rooms, visit)
        await here.page.goto(f"{rooms.identity}/console/desk/identity/search?q={item.id}")
        await expect(here.page.get_by_role("link", name="Solar battery, Marrickville")).to_be_visible()


class TestRail:
    async def test_counts_what_waits_in_a_room(self, rooms: Rooms, visit: Visits) -> None:
        await waiting(rooms)
        here = await at_home(rooms, visit)
        await expect(here.page.get_by_role("link", name="Exceptions 1 wait")).to_be_visible()

    async def test_leads_by_keys(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_home(rooms, visit)
        await here.page.keyboard.press("g")
        await here.page.keyboard.press("e")
        await here.page.wait_for_url(f"{rooms.routing}/console/exceptions?state=open")
        await here.page.keyboard.press("g")
        await here.page.keyboard.press("h")
        await here.page.wait_for_url(f"{rooms.identity}/console")


class TestHeader:
    @pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
    async def test_tells_where_when_and_how_safely_one_is_signed_in(
        self, rooms: Rooms, visit: Visits, viewport: dict[str, int] | None
    ) -> None:
        here: Visit = await visit(**({"viewport": viewport} if viewport else {}))
        await here.sign_in(await rooms.person(), f"{rooms.routing}/console/exceptions")
        bar = here.page.get_by_role("banner")
        await expect(bar.get_by_text("As of 3 Mar 2026, 1:15 pm Australia/Sydney")).to_be_visible()
        await expect(bar.get_by_text("local")).to_be_visible()
        await expect(bar.locator("summary")).to_contain_text("Second factor is fresh")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
async def test_every_page_is_accessible(
    rooms: Rooms, visit: Visits, scheme: str, viewport: dict[str, int] | None
) -> None:
    item = await waiting(rooms)
    here = await at_home(
        rooms, visit, color_scheme=scheme, reduced_motion="reduce", **({"viewport": viewport} if viewport else {})
    )
    await expect(here.page.get_by_text("1 lead waits")).to_be_visible()
    assert await faults(here) == []
    await here.page.keyboard.press("Control+k")
    await here.page.keyboard.type(str(item.id))
    await expect(here.page.get_by_role("option", name="Solar battery")).to_be_visible()
    assert await faults(here) == []
    for address in (
        f"{rooms.routing}/console/desk/routing/today",
        f"{rooms.identity}/console/desk/identity/search",
        f"{rooms.identity}/console/desk/identity/search?q={item.id}",
    ):
        await here.page.goto(address)
        assert await faults(here) == [], address


async def faults(here: Visit) -> list[str]:
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    beyond = await here.page.evaluate(overflow)
    return [*await here.violations(), *(["it is wider than the window"] if beyond > 0 else [])]


async def _abort(route: Route) -> None:
    await route.abort()
