"""Messages: found by what people know, sent again where that helps, and shown with what the server answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from deploy.local.smtp_sink.faults import Action, Fault, Stage
from services.notifications import drafts
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.kit.records import incoming
from tests.notifications.arrangements import Mailroom
from tests.notifications.samples import assignment_created, draft, message

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"
REFUSED = Fault(action=Action.REFUSE, answer=f"550 5.7.1 {PLANTED}", times=1)


@pytest.fixture
def mailroom(rooms: Rooms) -> Mailroom:
    return Mailroom(rooms.database("notifications"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_what_bounced_is_sent_again(rooms: Rooms, visit: Visits, mailroom: Mailroom, has_scripts: bool) -> None:
    (message_id,) = await mailroom.queue(draft(recipient_name=PLANTED))
    await mailroom.send(REFUSED)
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, rooms.address("notifications", "/console/messages?attention=undelivered"))
    await here.page.get_by_role("link", name="leads@southernsun.example").click()
    await expect(here.page.get_by_role("cell", name=f"5.7.1 {PLANTED}")).to_be_visible()
    await here.page.locator("summary", has_text="Send again").click()
    await here.page.get_by_label("Reason").fill(PLANTED)
    await here.page.locator("#do-retry").get_by_role("button").click()
    await expect(here.page.get_by_text("Queued again")).to_be_visible()
    await expect(here.page.locator(".timeline .reason", has_text=PLANTED)).to_be_visible()
    assert (await message(mailroom.database, message_id))["state"] == "queued"
    assert await here.page.title() != "planted"


async def test_many_that_bounced_are_sent_again_at_once(rooms: Rooms, visit: Visits, mailroom: Mailroom) -> None:
    await mailroom.queue(draft("first@example.test"), draft("second@example.test"), draft("third@example.test"))
    await mailroom.send(Fault(action=Action.REFUSE, answer="550 5.7.1 Listed", times=3))
    await mailroom.suppress("second@example.test")
    here = await visit()
    await here.enter(Role.EDITOR, rooms.address("notifications", "/console/messages?attention=undelivered"))
    await here.page.get_by_label("Select all rows of this page").check()
    await here.page.get_by_role("button", name="Send again").click()
    await expect(here.page.get_by_text("the address is on the suppression list")).to_be_visible()
    await here.page.get_by_label("Reason").fill("Off the block list")
    await here.page.get_by_role("button", name="Send again").click()
    await expect(here.page.get_by_role("heading", name="What became of each")).to_be_visible()
    await here.page.goto(rooms.address("notifications", "/console/messages?state=queued"))
    await expect(here.page.get_by_role("rowheader")).to_have_count(2)


async def test_messages_are_accessible(rooms: Rooms, visit: Visits, mailroom: Mailroom) -> None:
    (message_id, _) = await mailroom.queue(drafts.lead_delivery(incoming(assignment_created())), draft())
    await mailroom.send(REFUSED, Fault(action=Action.DROP, stage=Stage.ACCEPTED, times=1))
    rooms.clock.advance(timedelta(hours=1))
    here = await visit()
    await here.enter(Role.EDITOR, rooms.address("notifications", "/console/messages"))
    await check_everywhere(here, rooms.address("notifications", "/console/messages"))
    await check_everywhere(here, rooms.address("notifications", "/console/messages?q=nobody%40example.test"))
    await check_everywhere(here, rooms.address("notifications", f"/console/messages/{message_id}"))
    await expect(here.page.locator(".action.impossible")).to_contain_text("its lead went back")
