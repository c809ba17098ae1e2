"""Forms as they are sent where scripts run, and what becomes of what was typed when they are refused."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Request, Route, expect

from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from contracts.values import InstallerStatus
from tests.browser.conftest import NARROW, Rooms, Visit
from tests.identity.house import Person
from tests.routing.arrangements import lead

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
REASON = "The client called and withdrew it"
STEP_UP = {
    "type": "urn:waybill:problem:step_up_required",
    "title": "A fresh second factor is required",
    "status": 403,
    "detail": "sign in with your second factor again, then repeat the request",
    "errors": [],
    "request_id": "a-known-request",
}


@pytest.fixture
def _early(rooms: Rooms) -> None:
    """A code is good once: the next one must not lie in the future, where no token may come from."""
    rooms.house.clock.instant -= timedelta(seconds=90)


async def at_an_item(rooms: Rooms, visit: Visits, person: Person, **options: Any) -> Visit:
    await rooms.floor.dispatch(lead())
    item = await rooms.floor.only_exception()
    here: Visit = await visit(**options)
    await here.sign_in(person, f"{rooms.routing}/console/exceptions/{item.id}")
    return here


async def fill_in(here: Visit) -> Locator:
    """Gives a reason to set the item aside; the button."""
    form = here.page.locator("form[action$=resolve]")
    await here.page.locator("summary", has_text="Set aside").click()
    await form.get_by_label("Reason").fill(REASON)
    return form.get_by_role("button", name="Set aside")


def sent_by(here: Visit, end: str = "/resolve") -> list[str]:
    """The addresses of what is posted from now on."""
    posted: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith(end):
            posted.append(request.url)

    here.page.on("request", note)
    return posted


@asynccontextmanager
async def asking_for_a_second_factor(here: Visit) -> AsyncIterator[None]:
    """As a money action does whose second factor is too old; identity's own step-up satisfies it."""
    was_confirmed = False

    async def confirm(route: Route) -> None:
        nonlocal was_confirmed
        answer = await route.fetch()
        was_confirmed = was_confirmed or answer.ok
        await route.fulfill(response=answer)

    async def refuse(route: Route) -> None:
        if was_confirmed:
            await route.continue_()
        else:
            await route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(STEP_UP))

    await here.page.route("**/console/step-up", confirm)
    await here.page.route("**/resolve", refuse)
    yield
    await here.page.unroute_all()


@pytest.mark.usefixtures("_early")
class TestStepUp:
    async def test_is_asked_for_over_the_page_and_then_the_form_goes_on(self, rooms: Rooms, visit: Visits) -> None:
        person = await rooms.person()
        here = await at_an_item(rooms, visit, person)
        dialog = here.page.get_by_role("dialog", name="Confirm that it is you")
        async with asking_for_a_second_factor(here):
            await (await fill_in(here)).click()
            code = dialog.get_by_label("One-time code")
            await expect(code).to_be_focused()
            await here.page.keyboard.type("000000")
            await here.page.keyboard.press("Enter")
            await expect(dialog.get_by_text("The one-time code is not right")).to_be_visible()
            await expect(code).to_have_attribute("aria-invalid", "true")
            rooms.house.clock.instant += timedelta(seconds=30)
            await code.fill(person.code(rooms.house.clock))
            await here.page.keyboard.press("Enter")
            await expect(here.page.locator(".timeline", has_text=REASON)).to_be_visible()
        assert (await rooms.floor.exceptions(is_open=True)) == []

    async def test_is_given_up_by_escape_and_nothing_is_lost(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_an_item(rooms, visit, await rooms.person())
        dialog = here.page.get_by_role("dialog", name="Confirm that it is you")
        async with asking_for_a_second_factor(here):
            button = await fill_in(here)
            await button.click()
            await expect(dialog).to_be_visible()
            await here.page.keyboard.press("Escape")
            await expect(dialog).to_be_hidden()
            await expect(here.page.locator("form[action$=resolve] textarea")).to_have_value(REASON)
            await expect(button).not_to_have_attribute("aria-busy", "true")
            await button.click()
            await expect(dialog).to_be_visible()
            await dialog.get_by_role("button", name="Cancel").click()
            await expect(dialog).to_be_hidden()
        assert len(await rooms.floor.exceptions(is_open=True)) == 1

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
    async def test_is_accessible(
        self, rooms: Rooms, visit: Visits, scheme: str, viewport: dict[str, int] | None
    ) -> None:
        options = {"color_scheme": scheme, "reduced_motion": "reduce", **({"viewport": viewport} if viewport else {})}
        here = await at_an_item(rooms, visit, await rooms.person(), **options)
        async with asking_for_a_second_factor(here):
            await (await fill_in(here)).click()
            await here.page.get_by_label("One-time code").fill("000000")
            await here.page.keyboard.press("Enter")
            await expect(here.page.get_by_text("The one-time code is not right")).to_be_visible()
            assert await here.violations() == []


class TestSending:
    async def test_a_double_click_sends_once(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_an_item(rooms, visit, await rooms.person())
        button, posted, held = await fill_in(here), sent_by(here), asyncio.Event()

        async def hold(route: Route) -> None:
            await held.wait()
            await route.continue_()

        await here.page.route("**/resolve", hold)
        await button.dblclick()
        await expect(button).to_have_attribute("aria-busy", "true")
        held.set()
        await expect(here.page.locator(".timeline", has_text=REASON)).to_be_visible()
        assert len(posted) == 1

    async def test_an_access_that_has_run_out_is_renewed_unnoticed(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_an_item(rooms, visit, await rooms.person())
        button = await fill_in(here)
        await here.context.clear_cookies(name=ACCESS_COOKIE)
        await button.click()
        await expect(here.page.locator(".timeline", has_text=REASON)).to_be_visible()

    async def test_what_gets_no_answer_is_kept(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_an_item(rooms, visit, await rooms.person())
        button = await fill_in(here)
        await here.page.route("**/resolve", lambda route: route.abort())
        await button.click()
        await expect(here.page.get_by_role("alert")).to_contain_text("No answer came")
        await expect(here.page.locator("form[action$=resolve] textarea")).to_have_value(REASON)
        here.complaints = [each for each in here.complaints if "net::ERR_FAILED" not in each]


class TestRefusals:
    async def test_stand_beside_the_fields_that_they_name(self, rooms: Rooms, visit: Visits) -> None:
        await rooms.floor.installer(status=InstallerStatus.PAUSED)
        here = await at_an_item(rooms, visit, await rooms.person())
        form = here.page.locator("form[action$=assign]")
        await here.page.locator("summary", has_text="Assign by hand").click()
        await form.get_by_label("Beyond their caps").check()
        await form.get_by_role("button", name="Assign by hand").click()
        installers, reason = form.get_by_label("Southern Sun Solar"), form.get_by_label("Reason")
        await expect(installers).to_be_focused()
        await expect(installers).to_have_accessible_description("This is required")
        await expect(reason).to_have_attribute("aria-invalid", "true")
        await expect(reason).to_have_accessible_description(re.compile("An override of the caps needs a reason"))
        await expect(here.page.get_by_role("alert")).to_have_count(0)
        assert await here.violations() == []
        await installers.check()
        await reason.fill("Agreed by phone")
        await form.get_by_role("button", name="Assign by hand").click()
        await expect(installers).to_have_accessible_description("Installer paused")
        await expect(reason).not_to_have_attribute("aria-invalid", "true")

    async def test_of_one_choice_stand_at_it(self, rooms: Rooms, visit: Visits) -> None:
        await rooms.floor.installer(status=InstallerStatus.PAUSED, name="Able Solar")
        await rooms.floor.installer(status=InstallerStatus.PAUSED)
        here = await at_an_item(rooms, visit, await rooms.person())
        form = here.page.locator("form[action$=assign]")
        await here.page.locator("summary", has_text="Assign by hand").click()
        await form.get_by_label("Southern Sun Solar").check()
        await form.get_by_role("button", name="Assign by hand").click()
        await expect(form.get_by_label("Southern Sun Solar")).to_be_focused()
        await expect(form.get_by_label("Southern Sun Solar")).to_have_accessible_description("Installer paused")
        await expect(form.get_by_label("Southern Sun Solar")).to_be_checked()

    async def test_of_the_whole_form_stand_above_it(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_an_item(rooms, visit, await rooms.person())
        beside = await here.context.new_page()
        await beside.goto(here.page.url)
        await (await fill_in(Visit(beside, here.context, rooms))).click()
        await expect(beside.locator(".timeline", has_text=REASON)).to_be_visible()
        form = here.page.locator("form[action$=retry]")
        await here.page.locator("summary", has_text="Retry dispatch").click()
        await form.get_by_role("button", name="Retry dispatch").click()
        await expect(form.get_by_role("alert")).to_be_focused()
        await expect(form.get_by_role("alert")).to_contain_text("Request")
        assert await here.violations() == []


@pytest.mark.usefixtures("_early")
class TestAnEndedSession:
    async def sign_in_beside(self, rooms: Rooms, here: Visit, person: Person) -> None:
        rooms.house.clock.instant += timedelta(seconds=30)
        beside = Visit(await here.context.new_page(), here.context, rooms)
        await beside.sign_in(person, f"{rooms.routing}/console/exceptions")
        await beside.page.close()

    async def test_keeps_the_form_until_one_has_signed_in_again(self, rooms: Rooms, visit: Visits) -> None:
        person = await rooms.person()
        here = await at_an_item(rooms, visit, person)
        button = await fill_in(here)
        await here.context.clear_cookies()
        await button.click()
        await expect(here.page.get_by_role("alert")).to_contain_text("Your session has ended")
        await self.sign_in_beside(rooms, here, person)
        await button.click()
        await expect(here.page.locator(".timeline", has_text=REASON)).to_be_visible()

    async def test_sends_nothing_in_the_name_of_another_person(self, rooms: Rooms, visit: Visits) -> None:
        here = await at_an_item(rooms, visit, await rooms.person())
        button = await fill_in(here)
        await here.context.clear_cookies()
        await self.sign_in_beside(rooms, here, await rooms.house.person(Role.ADMIN, "Kit Marlow"))
        await button.click()
        await expect(here.page.get_by_role("alert")).to_contain_text("open its page again")
        assert len(await rooms.floor.exceptions(is_open=True)) == 1

    async def test_keeps_it_without_scripts_too(self, rooms: Rooms, visit: Visits) -> None:
        person = await rooms.person()
        here = await at_an_item(rooms, visit, person, java_script_enabled=False)
        button = await fill_in(here)
        await here.context.clear_cookies()
        await button.click()
        await expect(here.page.get_by_text("Your session has ended")).to_be_visible()
        await self.sign_in_beside(rooms, here, person)
        await here.page.get_by_role("button", name="Send again").click()
        await expect(here.page.get_by_role("heading", name="Send it again")).to_be_visible()
        await here.page.get_by_role("button", name="Send again").click()
        await expect(here.page.locator(".timeline", has_text=REASON)).to_be_visible()
