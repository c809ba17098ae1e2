"""A real Chromium before real pages; see building.py for what serves them, visits.py for what a test does with them.

`rooms` and `visit` are for tests; `tests/browser/sweep.py` checks what holds of every page.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.building import Building, passwords
from tests.browser.chromium import running_chromium
from tests.browser.install import CHROMIUM
from tests.browser.sweep import NARROW, WIDE
from tests.browser.visits import Rooms, Visit
from tests.kit.databases import Databases

__all__ = ["NARROW", "WIDE", "Rooms", "Visit"]

PATIENCE_MS = 10_000
NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)


@pytest.fixture(scope="package")
async def building(databases: Databases) -> AsyncIterator[Building]:
    ours = passwords()
    made = Building(databases, ours)
    await made.open()
    yield made
    await made.close()
    await ours.close()


@pytest.fixture(scope="package")
async def browser(building: Building) -> AsyncIterator[Browser]:
    """Closed before the building, whose servers wait for its connections to end."""
    async with running_chromium() as chromium:
        yield chromium


@pytest.fixture
async def rooms(building: Building) -> Rooms:
    """Empty, with both clocks set."""
    await building.clear(NOW)
    return Rooms(building)


@pytest.fixture
async def visit(browser: Browser, rooms: Rooms) -> AsyncIterator[Callable[..., Any]]:
    """`await visit()` opens a profile of its own; options are of Playwright's `new_context`."""
    visits: list[Visit] = []

    async def make(**options: Any) -> Visit:
        context = await browser.new_context(**{"viewport": WIDE, **options})
        context.set_default_timeout(PATIENCE_MS)
        made = Visit(await context.new_page(), context, rooms)
        context.on("console", made.note)
        context.on("weberror", lambda error: made.complaints.append(str(error.error)))
        visits.append(made)
        return made

    yield make
    for each in visits:
        await each.context.close()
    assert [complaint for each in visits for complaint in each.complaints] == []


@pytest.fixture(scope="session", autouse=True)
def _there_is_a_browser() -> None:
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing: `make test` installs it"
