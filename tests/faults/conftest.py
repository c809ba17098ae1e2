"""One rig for all short rounds: of one broker, and where a fault needs it, of three."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign, campaign_on
from tests.faults.fault import SHORT


@pytest.fixture(scope="package")
async def campaign(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Campaign]:
    async with _short(tmp_path_factory.mktemp("faults"), is_cluster=False) as campaign:
        yield campaign


@pytest.fixture(scope="package")
async def cluster_campaign(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Campaign]:
    async with _short(tmp_path_factory.mktemp("cluster"), is_cluster=True) as campaign:
        yield campaign


def _short(room: Path, *, is_cluster: bool) -> AbstractAsyncContextManager[Campaign]:
    return campaign_on(room, SHORT, print, is_cluster=is_cluster)
