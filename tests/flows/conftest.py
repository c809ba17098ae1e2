"""One running system for all that look at it, on one worker."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import running_chromium
from tests.flows.clicks import Clicks, clicking
from tests.flows.operators import create_and_sign_in
from tests.flows.running import Running, running_system

LAST = "test_logs.py"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _put_last(items)
    if getattr(config.option, "loadgroup", False):
        _name_groups(items)


def _put_last(items: list[pytest.Item]) -> None:
    """What looks through the logs of all the others comes after them."""
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ours = [items[place] for place in places]
    for place, item in zip(places, sorted(ours, key=lambda item: item.path.name == LAST), strict=True):
        items[place] = item


def _name_groups(items: list[pytest.Item]) -> None:
    """As xdist 3.8.0 means to: it writes to `_nodeid`, which pytest 9.2 does not read, and so groups nothing."""
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark is not None and not item.nodeid.endswith(suffix := f"@{mark.args[0]}"):
            item._id = item.id.parse(item.nodeid + suffix)


@pytest.fixture(scope="package")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Ends with the last of these tests: at rest, too, a whole system takes its share of the cores."""
    async with running_system(tmp_path_factory.mktemp("flows")) as running:
        yield running


@pytest.fixture(scope="module")
async def browser(running: Running) -> AsyncIterator[Browser]:
    async with running_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module", params=[True, False], ids=["with scripts", "without scripts"])
async def signed_in(request: pytest.FixtureRequest, running: Running, browser: Browser) -> AsyncIterator[Clicks]:
    operator = await create_and_sign_in(running.system.addresses, running.client, running.system.room)
    running.secrets |= operator.secrets
    async with clicking(running, browser, operator, has_scripts=request.param) as signed_in:
        yield signed_in


@pytest.fixture
def here(signed_in: Clicks) -> Iterator[Clicks]:
    """What the browser complains about fails the test."""
    yield signed_in
    assert signed_in.complaints == []
