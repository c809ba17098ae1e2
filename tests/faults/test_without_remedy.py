"""A fault whose remedy is taken out is found out. It spoils the rig, so that this module comes after all others."""

import pytest

from tests.faults.campaign import Campaign, Planned
from tests.faults.fault_14_consumer_killed import ConsumerKilledBetweenCommits

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

FORGETS = (
    "ALTER TABLE inbox DROP CONSTRAINT inbox_pkey",
    "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE TRIGGER forget BEFORE INSERT OR UPDATE ON consumer_positions FOR EACH ROW EXECUTE FUNCTION forget()",
)


class TestFaultWithoutItsRemedy:
    async def test_a_consumer_that_forgets_what_it_applied_is_found_out(self, cluster_campaign: Campaign) -> None:
        """With neither the key of the inbox nor positions every event is new: a kill between the commits doubles it."""
        for service in ("intake", "routing", "billing", "notifications"):
            await cluster_campaign.rig.execute(service, *FORGETS)
        outcome = await cluster_campaign.play(Planned("without", (ConsumerKilledBetweenCommits,)))
        assert not outcome.holds
        assert any("I3" in failure and "applied twice" in failure for failure in outcome.failures), outcome.failures
