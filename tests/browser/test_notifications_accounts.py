"""Email health: accounts added, edited, suspended and resumed by those who may, and told of to all."""

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
from tests.notifications.samples import account, draft, one

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
PLANTED = "<script>document.title='planted'</script><b>bold</b>"


@pytest.fixture
def mailroom(rooms: Rooms) -> Mailroom:
    return Mailroom(rooms.database("notifications"), rooms.clock)


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_an_account_is_added_edited_suspended_and_resumed(
    rooms: Rooms, visit: Visits, mailroom: Mailroom, has_scripts: bool
) -> None:
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.SUPER_ADMIN, rooms.address("notifications", "/console/email-health"))
    await here.page.get_by_role("link", name="New account").click()
    await here.page.get_by_label("Name", exact=True).fill("second")
    await here.page.get_by_label("From").fill("post@waybill.example")
    await here.page.get_by_label("Name of the sender").fill("Waybill")
    await here.page.get_by_label("Name of the secret").fill("SMTP_URL")
    await here.page.get_by_label("Mails a day").fill("500")
    await here.page.get_by_role("button", name="Add account").click()
    await expect(here.page.get_by_role("heading", level=1)).to_have_text("second")
    for deed, field, text in (
        ("Edit", "Mails a day", "450"),
        ("Suspend", "Reason", PLANTED),
        ("Resume", "Reason", "Fine"),
    ):
        form = here.page.locator(f"#do-{deed.lower()}")
        await form.locator("summary").click()
        await form.get_by_label(field).fill(text)
        await form.get_by_role("button").click()
        await expect(here.page.locator(".note.positive")).to_be_visible()
    await expect(here.page.locator(".document-head .chip")).to_have_text("Probing")
    await expect(here.page.locator(".timeline .reason", has_text=PLANTED)).to_be_visible()
    kept = await one(mailroom.database, "SELECT daily_cap, state, mail_classes FROM sender_accounts")
    assert kept == {"daily_cap": 450, "state": "probing", "mail_classes": ["transactional"]}


async def test_who_may_not_sees_who_can(rooms: Rooms, visit: Visits, mailroom: Mailroom) -> None:
    account_id = await account(mailroom.database)
    here = await visit()
    await here.enter(Role.ADMIN, rooms.address("notifications", "/console/email-health"))
    await expect(here.page.get_by_role("link", name="New account")).to_have_count(0)
    await here.page.goto(rooms.address("notifications", f"/console/email-health/{account_id}"))
    await expect(here.page.locator(".action.impossible", has_text="Super admins can do it")).to_have_count(2)
    await expect(here.page.locator(".action.impossible", has_text="it may send already")).to_have_count(1)


async def test_email_health_is_accessible(rooms: Rooms, visit: Visits, mailroom: Mailroom) -> None:
    account_id = await account(mailroom.database, PLANTED, from_address="post@waybill.example", from_name=PLANTED)
    await mailroom.queue(*(draft(f"{number}@example.test") for number in range(3)))
    await mailroom.send(Fault(action=Action.REFUSE, answer="550 5.7.1 Listed", times=2))
    await mailroom.queue(draft("late@example.test"))
    rooms.clock.advance(timedelta(hours=1))
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, rooms.address("notifications", "/console/email-health"))
    await check_everywhere(here, rooms.address("notifications", "/console/email-health"))
    await check_everywhere(here, rooms.address("notifications", "/console/email-health/new"))
    await check_everywhere(here, rooms.address("notifications", f"/console/email-health/{account_id}"))
    assert await here.page.title() != "planted"
