"""A fault whose remedy is taken out is found out. It spoils the rig, so that this module comes after all others."""

import pytest

from tests.faults.campaign import Campaign, Planned
from tests.faults.fault_14_consumer_killed import ConsumerKilledBetweenCommits

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults"), pytest.mark.timeout(300)]


class TestFaultWithoutItsRemedy:
    async def test_a_consumer_that_forgets_what_it_applied_is_found_out(self, cluster_campaign: Campaign) -> None:
        """Without its key the inbox takes every event as new: then a kill between the two commits doubles effects."""
        for service in ("intake", "routing", "billing", "notifications"):
            await cluster_campaign.rig.execute(service, "ALTER TABLE inbox DROP CONSTRAINT inbox_pkey")
        outcome = await cluster_campaign.play(Planned("without", (ConsumerKilledBetweenCommits,)))
        assert not outcome.holds
        assert any("I3" in failure and "applied twice" in failure for failure in outcome.failures), outcome.failures
