"""A lead's page with all that the other services told of it, in light and dark, wide and narrow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from contracts.identity import Role
from tests.browser.conftest import Rooms
from tests.browser.sweep import check_everywhere
from tests.intake.reception import Reception
from tests.intake.telling import tell_all

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]


async def test_a_leads_page_tells_all_that_is_known(rooms: Rooms, visit: Visits) -> None:
    reception = Reception(rooms.database("intake"), rooms.clock)
    _, key = await reception.source()
    lead_id = await reception.lead(key, ago=timedelta(hours=2))
    await tell_all(reception.database, lead_id)
    address = f"{rooms.address('intake')}/console/leads/{lead_id}"
    here = await visit()
    await here.enter(Role.EDITOR, address)
    await expect(here.page.get_by_role("link", name="WB-000031")).to_have_count(1)
    await expect(here.page.get_by_text("chose 2 of 9 installers")).to_have_count(1)
    await check_everywhere(here, address)
