"""Signing in, staying in, proving the second factor anew and signing out, in a browser."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chassis.http.auth import ACCESS_COOKIE
from tests.browser.conftest import Rooms, Visit

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


async def test_who_is_not_signed_in_is_asked_to_and_comes_where_they_wanted(rooms: Rooms, visit: Visits) -> None:
    person, here = await rooms.person(), await visit()
    wanted = f"{rooms.routing}/console/exceptions?state=resolved"
    await here.sign_in(person, wanted)
    assert await here.page.get_by_role("heading", level=1).text_content() == "Exceptions"
    assert await here.page.get_by_text(person.name).first.is_visible()


async def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(rooms: Rooms, visit: Visits) -> None:
    person, here = await rooms.person(), await visit()
    await here.page.goto(f"{rooms.identity}/console/sign-in")
    await here.fill_sign_in(person, password="not the one")
    await here.page.get_by_role("button", name="Sign in").click()
    assert "The e-mail, the password or the one-time code is not right" in await _alert(here)
    assert await here.page.get_by_label("E-mail").input_value() == person.email
    assert await here.page.get_by_label("Password").input_value() == ""


async def test_an_access_cookie_that_has_run_out_is_renewed_unnoticed(rooms: Rooms, visit: Visits) -> None:
    person, here = await rooms.person(), await visit()
    wanted = f"{rooms.routing}/console/exceptions"
    await here.sign_in(person, wanted)
    # Several pages at once, as after a pause: none of them ends the session.
    for _ in range(3):
        await here.context.clear_cookies(name=ACCESS_COOKIE)
        await here.page.goto(wanted)
        assert here.page.url == wanted


async def test_signing_out_closes_every_room(rooms: Rooms, visit: Visits) -> None:
    person, here = await rooms.person(), await visit()
    await here.sign_in(person, f"{rooms.routing}/console/exceptions")
    await here.page.get_by_text(person.name).first.click()
    await here.page.get_by_role("button", name="Sign out").click()
    await here.page.wait_for_url(f"{rooms.identity}/console/sign-in")
    await here.page.goto(f"{rooms.routing}/console/exceptions")
    assert "/console/sign-in" in here.page.url


async def test_a_sign_in_leads_nowhere_but_to_our_own_pages(rooms: Rooms, visit: Visits) -> None:
    person, here = await rooms.person(), await visit()
    await here.page.goto(f"{rooms.identity}/console/sign-in?next=https://evil.example/")
    await here.fill_sign_in(person)
    await here.page.get_by_role("button", name="Sign in").click()
    await here.page.wait_for_url(f"{rooms.identity}/console")


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_step_up_goes_on_with_what_waited_for_it(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    # A code is good once: the next one must not lie in the future, where no token may come from.
    rooms.house.clock.instant -= timedelta(seconds=60)
    person, here = await rooms.person(), await visit(java_script_enabled=has_scripts)
    await here.sign_in(person, f"{rooms.routing}/console/exceptions")
    csrf = await here.page.locator("input[name=csrf]").first.get_attribute("value")
    rooms.house.clock.instant += timedelta(seconds=30)
    await here.page.goto(f"{rooms.identity}/console/sign-in")
    await here.page.set_content(
        f"""<form method="post" action="{rooms.identity}/console/step-up">
        <input name="csrf" value="{csrf}"><input name="totp_code" value="{person.code(rooms.house.clock)}">
        <input name="action" value="{rooms.identity}/console/sign-out"><button>Go</button></form>"""
    )
    await here.page.get_by_role("button", name="Go").click()
    if not has_scripts:
        await here.page.get_by_role("button", name="Continue").click()
    await here.page.wait_for_url(f"{rooms.identity}/console/sign-in")


async def _alert(here: Visit) -> str:
    return await here.page.get_by_role("alert").inner_text()
