"""How installers get their leads, worked by clicks: a webhook is set up, its secret shown once, its breaker closed."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect
from sqlalchemy import insert

from chassis.ids import new_id
from contracts.identity import Role
from services.routing.domain.states import BreakerState, Channel
from services.routing.domain.webhooks import Verdict
from services.routing.models import DeliveryEndpoint, WebhookTest
from tests.browser.conftest import NOW, Rooms
from tests.browser.sweep import check_everywhere
from tests.routing.arrangements import lead
from tests.routing.webhooks import KEYS

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
URL = "http://127.0.0.1:8443/waybill"


async def held_back(rooms: Rooms) -> UUID:
    """An installer whose webhook has failed again and again, with a lead that waits and a test that was not taken."""
    installer_id = await rooms.floor.installer()
    await rooms.floor.endpoint(
        installer_id,
        secret_generation=2,
        previous_secret_until=NOW + timedelta(hours=20),
        last_accepted_at=NOW - timedelta(hours=3),
    )
    await rooms.floor.changed(installer_id, channel=Channel.WEBHOOK)
    await rooms.floor.dispatch(lead())
    await rooms.floor.rows_changed(
        """UPDATE delivery_endpoints SET breaker = 'open', failures_in_row = 6, opens = 1,
           opened_at = :opened_at, probe_at = :probe_at WHERE channel = 'webhook'""",
        opened_at=NOW - timedelta(minutes=2),
        probe_at=NOW + timedelta(minutes=3),
    )
    test = {"id": new_id(), "installer_id": installer_id, "asked_by": "Robin Field", "asked_at": NOW}
    more = {"finished_at": NOW, "outcome": Verdict.AGAIN, "reason_code": "http_503", "http_status": 503}
    async with rooms.floor.database.transaction() as session:
        await session.execute(insert(WebhookTest).values(**test, **more, duration_ms=84))
    await rooms.floor.installer(name="Harbour Electrical")
    return installer_id


async def endpoint_of(rooms: Rooms, installer_id: UUID) -> DeliveryEndpoint:
    async with rooms.floor.database.reading() as session:
        return await session.get_one(DeliveryEndpoint, (installer_id, Channel.WEBHOOK))


@pytest.mark.parametrize("has_scripts", [True, False])
async def test_a_webhook_is_set_up_by_clicks_and_its_secret_shown_once(
    rooms: Rooms, visit: Visits, has_scripts: bool
) -> None:
    installer_id = await rooms.floor.installer()
    address = f"{rooms.routing}/console/installers/{installer_id}"
    here = await visit(java_script_enabled=has_scripts)
    await here.enter(Role.EDITOR, address)
    await here.page.locator("summary", has_text="Set delivery channel").click()
    form = here.page.locator("#do-set_channel")
    await form.get_by_label("Webhook, to the address below").check()
    await form.get_by_label("Address of the webhook").fill(URL)
    await form.get_by_label("Reason").fill("They asked for it")
    await form.get_by_role("button", name="Set delivery channel").click()
    await expect(here.page.locator("#webhook-secret")).to_have_text(KEYS.told(installer_id, 1))
    await here.page.get_by_role("link", name="Go to Southern Sun Solar").click()
    await expect(here.page).to_have_url(address)
    await expect(here.page.get_by_role("region", name="Delivery", exact=True)).to_contain_text(URL)
    await expect(here.page.locator(".timeline li").first).to_contain_text("set its delivery channel")
    await expect(here.page.get_by_text(KEYS.told(installer_id, 1))).to_have_count(0)
    await here.page.locator("summary", has_text="Send a test to its webhook").click()
    await here.page.get_by_role("button", name="Send a test to its webhook").click()
    await expect(here.page.get_by_text("is on its way.")).to_be_visible()


async def test_a_secret_is_rotated_and_shown_once(rooms: Rooms, visit: Visits) -> None:
    installer_id = await held_back(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/installers/{installer_id}")
    await here.page.locator("summary", has_text="Rotate the webhook's secret").click()
    await here.page.locator("#do-rotate_secret").get_by_label("Reason").fill("The former one was in a mail")
    await here.page.get_by_role("button", name="Rotate the webhook's secret").click()
    await expect(here.page.locator("#webhook-secret")).to_have_text(KEYS.told(installer_id, 3))


async def test_a_breaker_is_closed_with_a_reason(rooms: Rooms, visit: Visits) -> None:
    installer_id = await held_back(rooms)
    here = await visit()
    await here.enter(Role.EDITOR, f"{rooms.routing}/console/delivery-channels?breaker=open&breaker=half_open")
    await here.page.get_by_role("link", name="Southern Sun Solar").click()
    await expect(here.page.get_by_text("Its webhook holds leads back")).to_be_visible()
    await here.page.locator("summary", has_text="Close the breaker").click()
    form = here.page.locator("#do-close_breaker")
    await form.get_by_label("Reason").fill("<b>Their</b> server is up again")
    await form.get_by_role("button", name="Close the breaker").click()
    await expect(here.page.get_by_text("Its breaker is closed")).to_be_visible()
    timeline = here.page.locator(".timeline li").first
    await expect(timeline).to_contain_text(re.compile("closed its breaker.*<b>Their</b> server", re.DOTALL))
    assert (await endpoint_of(rooms, installer_id)).breaker is BreakerState.CLOSED


async def test_every_page_is_accessible(rooms: Rooms, visit: Visits) -> None:
    installer_id = await held_back(rooms)
    assignment = await rooms.floor.only_assignment()
    here = await visit()
    await here.enter(Role.SUPER_ADMIN, f"{rooms.routing}/console/delivery-channels")
    await check_everywhere(here, f"{rooms.routing}/console/delivery-channels")
    await check_everywhere(here, f"{rooms.routing}/console/delivery-channels?breaker=half_open")
    await check_everywhere(here, f"{rooms.routing}/console/installers/{installer_id}")
    await check_everywhere(here, f"{rooms.routing}/console/assignments/{assignment.id}")
