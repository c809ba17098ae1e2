"""Redeeming an invitation: a password, the authenticator's key, the code that confirms it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.async_api import expect

from chassis.ids import new_id
from contracts.identity import Role
from services.identity.commands.enrolments import Invitation, invitation_of
from services.identity.models import Operator
from tests.browser.conftest import Rooms, Visit
from tests.browser.sweep import check_everywhere, check_page

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
ENROL = "/console/enrol"
PASSWORD = "four green lamps in a hall"
PLANTED = "<script>document.title='planted'</script>"


async def invited(rooms: Rooms, name: str = "Kim Reed") -> Invitation:
    house = rooms.house
    row = Operator(id=new_id(), email="kim@waybill.example", name=name, role=Role.EDITOR, created_at=house.clock.now())
    async with house.database.transaction() as session:
        session.add(row)
        await session.flush()
        return await invitation_of(session, row, house.security)


async def to_the_key(here: Visit, invitation: Invitation) -> str:
    """Through the first two steps; the key as the page shows it."""
    await here.page.get_by_label("Invitation").fill(f" {invitation.token} ")
    await here.page.get_by_role("button", name="Continue").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("Choose a password")
    await here.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await here.page.get_by_label("Password again").fill(PASSWORD)
    await here.page.get_by_role("button", name="Continue").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("Set up your authenticator")
    return "".join((await here.page.locator(".key").inner_text()).split())


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_who_was_invited_comes_in(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    rooms.house.clock.instant -= timedelta(seconds=60)
    invitation = await invited(rooms, f"Kim {PLANTED}")
    here: Visit = await visit(java_script_enabled=has_scripts)
    await here.page.goto(f"{rooms.identity}/console/sign-in")
    await here.page.get_by_role("link", name="Redeem an invitation").click()
    key = await to_the_key(here, invitation)
    await expect(here.page.get_by_text(PLANTED)).to_be_visible()
    await here.page.reload()
    await expect(here.page.locator(".key")).to_contain_text(key[:4])
    link = here.page.get_by_role("link", name="Open in the authenticator app")
    assert f"secret={key}" in (await link.get_attribute("href") or "")
    await here.page.get_by_label("One-time code").fill("000000")
    await here.page.get_by_role("button", name="Confirm").click()
    await expect(here.page.locator(".fault")).to_contain_text("The one-time code is not right")
    await here.page.get_by_label("One-time code").fill(pyotp.TOTP(key).at(rooms.house.clock.now()))
    await here.page.get_by_role("button", name="Confirm").click()
    await expect(here.page.get_by_role("status")).to_contain_text("Your second factor is set")
    assert here.page.url == f"{rooms.identity}/console/sign-in?done=enrolled"
    rooms.house.clock.instant += timedelta(seconds=30)
    await here.page.get_by_label("E-mail").fill("kim@waybill.example")
    await here.page.get_by_label("Password").fill(PASSWORD)
    await here.page.get_by_label("One-time code").fill(pyotp.TOTP(key).at(rooms.house.clock.now()))
    await here.page.get_by_role("button", name="Sign in").click()
    await here.page.wait_for_url(f"{rooms.identity}/console")


async def test_every_step_is_accessible(rooms: Rooms, visit: Visits) -> None:
    invitation = await invited(rooms)
    here: Visit = await visit()
    address = rooms.identity + ENROL
    await check_everywhere(here, address)
    await here.page.get_by_label("Invitation").fill(invitation.token)
    await here.page.get_by_role("button", name="Continue").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("Choose a password")
    await check_everywhere(here, address)
    await here.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await here.page.get_by_label("Password again").fill(f"{PASSWORD}s")
    await here.page.get_by_role("button", name="Continue").click()
    await expect(here.page.locator(".fault")).to_have_text("Not the same as above")
    assert await here.violations() == []
    await here.page.get_by_role("button", name="Use another invitation").click()
    await to_the_key(here, invitation)
    await check_everywhere(here, address)


async def test_an_invitation_that_ran_out_says_what_to_do(rooms: Rooms, visit: Visits) -> None:
    invitation = await invited(rooms)
    here: Visit = await visit()
    await here.page.goto(rooms.identity + ENROL)
    await to_the_key(here, invitation)
    rooms.house.clock.instant += timedelta(hours=73)
    await here.page.get_by_label("One-time code").fill("000000")
    await here.page.get_by_role("button", name="Confirm").click()
    await expect(here.page.get_by_role("status")).to_contain_text("has run out")
    await expect(here.page.get_by_role("status")).to_contain_text("Reset second factor")
    await check_page(here, rooms.identity + ENROL)
