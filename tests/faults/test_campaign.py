"""The campaign's short form: every fault once, under load, with the independent reader after each."""

import pytest

from tests.faults.campaign import Campaign, Planned
from tests.faults.fault import Fault, every_fault

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults"), pytest.mark.timeout(300)]

SEED = "short"


def _named(*, needs_cluster: bool) -> list[type[Fault]]:
    return [fault for fault in every_fault() if fault.needs_cluster is needs_cluster]


async def _play(campaign: Campaign, fault: type[Fault]) -> None:
    outcome = await campaign.play(Planned(SEED, (fault,)))
    assert outcome.holds, "\n".join([*outcome.failures, f"again: {outcome.again}"])


@pytest.mark.parametrize("fault", _named(needs_cluster=False), ids=lambda fault: fault.__name__)
class TestOneBroker:
    async def test_nothing_is_lost_doubled_or_stuck(self, campaign: Campaign, fault: type[Fault]) -> None:
        await _play(campaign, fault)


@pytest.mark.parametrize("fault", _named(needs_cluster=True), ids=lambda fault: fault.__name__)
class TestThreeBrokers:
    async def test_nothing_is_lost_doubled_or_stuck(self, cluster_campaign: Campaign, fault: type[Fault]) -> None:
        await _play(cluster_campaign, fault)
