"""What decisions say of one installer: its own entries of their records, and nothing of anybody else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.answers import OwnPart
from services.routing.domain.states import Trigger

_OWN_PARTS = (
    text(
        """
        SELECT (
            SELECT entry FROM json_array_elements(candidates) AS entry WHERE entry ->> 'installer_id' = :installer_id
        ) AS own, trigger
        FROM decisions WHERE lead_id = :lead_id ORDER BY attempt_no
        """
    )
    .bindparams(bindparam("lead_id", type_=Uuid), bindparam("installer_id", type_=Text))
    .columns(own=JSON)
)


async def own_parts(session: AsyncSession, lead_id: UUID, installer_id: UUID) -> list[OwnPart]:
    """Of each attempt at the lead, in their order."""
    rows = await session.execute(_OWN_PARTS, {"lead_id": lead_id, "installer_id": str(installer_id)})
    return [OwnPart(row.own, row.trigger == Trigger.BY_HAND) for row in rows]


# A lead counts once: as given where it ever was, otherwise by its last attempt.
_OUTCOMES = text(
    """
    SELECT outcome, count(*) AS number FROM (
        SELECT DISTINCT ON (lead_id) outcomes[array_position(candidate_ids, :installer_id)] AS outcome
        FROM decisions
        WHERE decided_at >= :since AND decided_at < :before AND trigger <> :by_hand
            AND candidate_ids @> ARRAY[:installer_id]
        ORDER BY lead_id, outcomes[array_position(candidate_ids, :installer_id)] = 'chosen' DESC, attempt_no DESC
    ) AS leads
    GROUP BY outcome
    """
).bindparams(
    bindparam("installer_id", type_=Uuid),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("before", type_=DateTime(timezone=True)),
    bindparam("by_hand", Trigger.BY_HAND.value, type_=Text),
)


async def outcomes_of(
    session: AsyncSession, installer_id: UUID, since: datetime, before: datetime
) -> Mapping[str, int]:
    """How many of the leads decided in that time had which outcome for it."""
    arrays: dict[str, Any] = {"installer_id": installer_id, "since": since, "before": before}
    return {cast("str", row.outcome): row.number for row in await session.execute(_OUTCOMES, arrays)}
