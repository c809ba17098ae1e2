"""One rig for all short rounds: of one broker, and then of three for what needs them, never both at once."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from tests.faults.campaign import Campaign, campaign_on
from tests.faults.fault import SHORT


@dataclass
class Campaigns:
    """At rest, too, a rig takes its share of the cores: the one ends before the other begins."""

    rooms: pytest.TempPathFactory
    _open: dict[bool, Campaign] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def of(self, *, is_cluster: bool) -> Campaign:
        if is_cluster not in self._open:
            await self.close()
            room = self.rooms.mktemp("cluster" if is_cluster else "faults")
            made = campaign_on(room, SHORT, print, is_cluster=is_cluster)
            self._open[is_cluster] = await self._stack.enter_async_context(made)
        return self._open[is_cluster]

    async def close(self) -> None:
        self._open.clear()
        await self._stack.aclose()


@pytest.fixture(scope="package")
async def campaigns(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Campaigns]:
    ours = Campaigns(tmp_path_factory)
    yield ours
    await ours.close()


@pytest.fixture
async def campaign(campaigns: Campaigns) -> Campaign:
    return await campaigns.of(is_cluster=False)


@pytest.fixture
async def cluster_campaign(campaigns: Campaigns) -> Campaign:
    return await campaigns.of(is_cluster=True)
