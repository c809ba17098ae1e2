"""The short form's faults of a cluster, in which brokers leave and the others go on."""

import pytest

from tests.faults.campaign import Campaign
from tests.faults.short_form import OF_THREE_BROKERS, play_short

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", OF_THREE_BROKERS)
class TestThreeBrokers:
    async def test_nothing_is_lost_doubled_or_stuck(self, cluster_campaign: Campaign, name: str) -> None:
        await play_short(cluster_campaign, name, OF_THREE_BROKERS[name])
