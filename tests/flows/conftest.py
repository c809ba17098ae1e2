"""One running system for all that look at it, on one worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.running import Running, running_system

LAST = "test_logs.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks through the logs of all the others comes after them."""
    here = Path(__file__).parent
    ours = [item for item in items if item.path.parent == here]
    places = [number for number, item in enumerate(items) if item.path.parent == here]
    for place, item in zip(places, sorted(ours, key=lambda item: item.path.name == LAST), strict=True):
        items[place] = item


@pytest.fixture(scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_system(tmp_path_factory.mktemp("flows")) as running:
        yield running
