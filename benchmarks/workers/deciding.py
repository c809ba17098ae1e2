"""What the measured consumers do with a lead: keep a decision about it, and publish that it was made."""

from datetime import UTC, datetime

from chassis.ids import new_id
from contracts.intake import LeadCreated
from contracts.routing import DispatchDecided

TABLE = """
CREATE TABLE decisions (
    lead_id uuid PRIMARY KEY,
    decision_id uuid NOT NULL,
    service text NOT NULL,
    postcode text NOT NULL,
    decided_at timestamptz NOT NULL
)
"""
TABLES = ("inbox", "consumer_positions", "decisions", "outbox")
"""What a run fills, and the next one wants to find empty."""


def decision(event: LeadCreated) -> DispatchDecided:
    return DispatchDecided(
        lead_id=event.lead_id,
        decision_id=new_id(),
        attempt_no=1,
        assignment_ids=(),
        candidates_count=3,
        decided_at=datetime.now(UTC),
    )
