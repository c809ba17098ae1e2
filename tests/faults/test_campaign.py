"""The campaign's short form: every fault once, under load, with the independent reader after each round."""

from collections import Counter

import pytest

from tests.faults.campaign import Campaign
from tests.faults.fault import every_fault
from tests.faults.short_form import OF_THREE_BROKERS, ROUNDS, play_short

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

FAULTS = every_fault()


class TestShortForm:
    def test_has_every_fault_in_one_round_of_the_servers_that_it_needs(self) -> None:
        played = Counter(
            fault for rounds in (ROUNDS, OF_THREE_BROKERS) for faults in rounds.values() for fault in faults
        )
        assert played == Counter(fault.__name__ for fault in FAULTS)
        assert {fault for faults in OF_THREE_BROKERS.values() for fault in faults} == {
            fault.__name__ for fault in FAULTS if fault.needs_cluster
        }


@pytest.mark.parametrize("name", ROUNDS)
class TestOneBroker:
    async def test_nothing_is_lost_doubled_or_stuck(self, campaign: Campaign, name: str) -> None:
        await play_short(campaign, name, ROUNDS[name])
