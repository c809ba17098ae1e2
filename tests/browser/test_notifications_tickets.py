"""Tickets, answered and closed by clicks, with scripts and without."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from deploy.local.smtp_sink.faults import Action, Fault
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.notifications.arrangements import Mailroom
from tests.notifications.samples import rows

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.fixture
def mailroom(rooms: Rooms) -> Mailroom:
    return Mailroom(rooms.database("notifications"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_ticket_is_opened_answered_and_closed(rooms: Rooms, visit: Visits, has_scripts: bool) -> None:
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, rooms.address("notifications", "/console/tickets?state=open&sort=since"))
    await here.page.get_by_role("link", name="New ticket").click()
    await here.page.get_by_label("Subject").fill("Where is my invoice?")
    await here.page.get_by_label("Name").fill("Mia O'Brien")
    await here.page.get_by_label("E-mail").fill("mia.obrien@example.test")
    await here.page.get_by_label("What they ask").fill("It was due last week.")
    await here.page.get_by_role("button", name="Open ticket").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("Where is my invoice?")
    await here.page.locator("summary", has_text="Reply").click()
    await here.page.locator("#do-reply").get_by_label("Reply").fill("It went out today.")
    await here.page.locator("#do-reply").get_by_role("button").click()
    await expect(here.page.get_by_text("The reply is on its way")).to_be_visible()
    await expect(here.page.get_by_role("link", name="Queued")).to_have_attribute(
        "href", re.compile("/console/messages/")
    )
    await here.page.locator("summary", has_text="Close").click()
    await here.page.locator("#do-close").get_by_role("button").click()
    await expect(here.page.locator(".action.impossible")).to_contain_text("it is closed")
    (mail,) = await rows(rooms.database("notifications"), "SELECT recipient_email, state FROM messages")
    assert mail == {"recipient_email": "mia.obrien@example.test", "state": "queued"}


async def test_who_was_slower_than_a_colleague_is_told(rooms: Rooms, visit: Visits, mailroom: Mailroom) -> None:
    ticket_id = await mailroom.ticket()
    here = await visit()
    await here.enter(Role.EDITOR, rooms.address("notifications", f"/console/tickets/{ticket_id}"))
    await mailroom.reply(ticket_id)
    await here.page.locator("summary", has_text="Reply").click()
    await here.page.locator("#do-reply").get_by_label("Reply").fill("I shall look.")
    await here.page.locator("#do-reply").get_by_role("button").click()
    await expect(here.page.get_by_role("alert")).to_contain_text("changed it meanwhile")
    assert len(await rows(mailroom.database, "SELECT id FROM messages")) == 1


async def test_tickets_are_accessible_and_show_markup_as_text(rooms: Rooms, visit: Visits, mailroom: Mailroom) -> None:
    ticket_id = await mailroom.ticket(PLANTED, PLANTED)
    await mailroom.reply(ticket_id, PLANTED)
    rooms.clock.advance(timedelta(minutes=1))
    await mailroom.send(Fault(action=Action.REFUSE, answer="550 5.1.1 No such user", times=1))
    here = await visit()
    await here.enter(Role.EDITOR, rooms.address("notifications", "/console/tickets"))
    await check_everywhere(here, rooms.address("notifications", "/console/tickets"))
    await check_everywhere(here, rooms.address("notifications", "/console/tickets?q=nobody"))
    await check_everywhere(here, rooms.address("notifications", "/console/tickets/new"))
    await check_everywhere(here, rooms.address("notifications", f"/console/tickets/{ticket_id}"))
    await expect(here.page.locator(".said .lines", has_text=PLANTED)).to_have_count(1)
    await expect(here.page.get_by_role("link", name="Bounced")).to_be_visible()
    assert await here.page.title() != "planted"
