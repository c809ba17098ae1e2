"""The campaign's short form: every fault once, under load, with the independent reader after each round."""

from collections import Counter

import pytest

from tests.faults.campaign import Campaign, Planned
from tests.faults.fault import every_fault
from tests.faults.short_form import OF_THREE_BROKERS, ROUNDS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

SEED = "short"
FAULTS = {fault.__name__: fault for fault in every_fault()}


async def _play(campaign: Campaign, name: str, faults: tuple[str, ...]) -> None:
    # A seed of the round's own: what a source sent in one round it does not send with other content in the next.
    seed = f"{SEED}.{name.replace(' ', '-')}"
    outcome = await campaign.play(Planned(seed, tuple(FAULTS[fault] for fault in faults)))
    assert outcome.holds, "\n".join([*outcome.failures, f"again: {outcome.again}"])


class TestShortForm:
    def test_has_every_fault_in_one_round_of_the_servers_that_it_needs(self) -> None:
        played = Counter(
            fault for rounds in (ROUNDS, OF_THREE_BROKERS) for faults in rounds.values() for fault in faults
        )
        assert played == Counter(FAULTS.keys())
        assert {fault for faults in OF_THREE_BROKERS.values() for fault in faults} == {
            name for name, fault in FAULTS.items() if fault.needs_cluster
        }


@pytest.mark.parametrize("name", ROUNDS)
class TestOneBroker:
    async def test_nothing_is_lost_doubled_or_stuck(self, campaign: Campaign, name: str) -> None:
        await _play(campaign, name, ROUNDS[name])


@pytest.mark.parametrize("name", OF_THREE_BROKERS)
class TestThreeBrokers:
    async def test_nothing_is_lost_doubled_or_stuck(self, cluster_campaign: Campaign, name: str) -> None:
        await _play(cluster_campaign, name, OF_THREE_BROKERS[name])
