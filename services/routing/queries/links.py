"""Leads that belong to one person, and which installers have had them: known by ids alone."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.states import AssignmentStatus

HAS_IT = [status.value for status in AssignmentStatus if status.is_live or status.was_delivered]

# Linked either way round; a lead of another service is no duplicate.
_PERSONS = text(
    """
    SELECT link.lead_id, link.other_lead_id, had.installer_id
    FROM (
        SELECT lead_id, other_lead_id FROM lead_links WHERE lead_id = ANY(:lead_ids)
        UNION
        SELECT other_lead_id, lead_id FROM lead_links WHERE other_lead_id = ANY(:lead_ids)
    ) AS link
    JOIN unnest(:lead_ids, :services) AS wanted (lead_id, service) ON wanted.lead_id = link.lead_id
    LEFT JOIN (
        assignments AS had JOIN dispatches ON dispatches.lead_id = had.lead_id
    ) ON had.lead_id = link.other_lead_id
        AND dispatches.service = wanted.service
        AND had.status = ANY(:has_it)
        AND had.created_at >= :since
    """
).bindparams(
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("services", type_=ARRAY(Text)),
    bindparam("has_it", HAS_IT, type_=ARRAY(Text)),
    bindparam("since", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Persons:
    """Of each lead of a batch the other leads of its person, and who has had them; it learns what the batch gives."""

    services: Mapping[UUID, str]
    others: Mapping[UUID, Mapping[UUID, set[UUID]]]

    def had_by(self, lead_id: UUID) -> Counter[UUID]:
        """How many other leads of the person each installer has had."""
        return Counter(installer for had in self.others.get(lead_id, {}).values() for installer in had)

    def note(self, lead_id: UUID, installer_ids: Collection[UUID]) -> None:
        for other in self.others.get(lead_id, ()):
            if self.services.get(other) == self.services[lead_id]:
                self.others[other].setdefault(lead_id, set()).update(installer_ids)


async def persons_of(session: AsyncSession, leads: Iterable[tuple[UUID, str]], since: datetime) -> Persons:
    """Each lead with its service; what was given before `since` is forgotten."""
    services = dict(leads)
    arrays = {"lead_ids": list(services), "services": list(services.values()), "since": since}
    others: dict[UUID, dict[UUID, set[UUID]]] = {}
    for row in await session.execute(_PERSONS, arrays):
        had = others.setdefault(row.lead_id, {}).setdefault(row.other_lead_id, set())
        if row.installer_id is not None:
            had.add(row.installer_id)
    return Persons(services, others)
