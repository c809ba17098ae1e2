"""By which policy leads are given, and which of them belong to one person: that is known by ids alone."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.policies import OrderingPolicy
from services.routing.domain.states import AssignmentStatus

HAS_IT = [status.value for status in AssignmentStatus if status.is_live or status.was_delivered]


def relatives_of(leads: str) -> str:
    """The statement of which other leads are the same person's as those of the column `lead_id` of `leads`.

    Each pair once, as `lead_id`, `other_lead_id`, `kind`. Linked either way round: by merges however many, and by one
    likeness among them at the most, as two that are like a third need not be like each other.
    """
    return f"""
        WITH RECURSIVE relatives (lead_id, other_lead_id, is_like) AS (
            SELECT lead_id, lead_id, false FROM {leads}
            UNION
            SELECT known.lead_id, link.other_lead_id, known.is_like OR link.kind = 'same_person'
            FROM relatives AS known CROSS JOIN LATERAL (
                SELECT other_lead_id, kind FROM lead_links WHERE lead_id = known.other_lead_id
                UNION ALL
                SELECT lead_id, kind FROM lead_links WHERE other_lead_id = known.other_lead_id
            ) AS link
            WHERE link.kind = 'merged' OR NOT known.is_like
        )
        SELECT lead_id, other_lead_id, CASE WHEN bool_and(is_like) THEN 'same_person' ELSE 'merged' END AS kind
        FROM relatives WHERE lead_id <> other_lead_id GROUP BY lead_id, other_lead_id
    """  # noqa: S608  # names of our own


# A lead of another service is no duplicate. The policy comes with it, once at least.
_POLICY_AND_PERSONS = text(
    f"""
    SELECT policy.version, policy.body, link.lead_id, link.other_lead_id, had.installer_id
    FROM (
        SELECT version, body FROM routing_policies WHERE kind = 'ordering' ORDER BY version DESC LIMIT 1
    ) AS policy
    LEFT JOIN ({relatives_of("unnest(:lead_ids) AS asked (lead_id)")}) AS link ON true
    LEFT JOIN unnest(:lead_ids, :services) AS wanted (lead_id, service) ON wanted.lead_id = link.lead_id
    LEFT JOIN (
        assignments AS had JOIN dispatches ON dispatches.lead_id = had.lead_id
    ) ON had.lead_id = link.other_lead_id
        AND dispatches.service = wanted.service
        AND had.status = ANY(:has_it)
        AND had.created_at >= :now - make_interval(days => (policy.body ->> 'same_person_days')::integer)
    """  # noqa: S608  # names of our own
).bindparams(
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("services", type_=ARRAY(Text)),
    bindparam("has_it", HAS_IT, type_=ARRAY(Text)),
    bindparam("now", type_=DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class Persons:
    """Of each lead of a batch the other leads of its person, and who has had them; it learns what the batch gives."""

    services: Mapping[UUID, str]
    others: Mapping[UUID, dict[UUID, set[UUID]]]

    def had_by(self, lead_id: UUID) -> Counter[UUID]:
        """How many other leads of the person each installer has had."""
        return Counter(installer for had in self.others.get(lead_id, {}).values() for installer in had)

    def note(self, lead_id: UUID, installer_ids: Collection[UUID]) -> None:
        for other in self.others.get(lead_id, ()):
            if self.services.get(other) == self.services[lead_id]:
                self.others[other].setdefault(lead_id, set()).update(installer_ids)


class Declared(NamedTuple):
    """The policy in force, by its version."""

    version: int
    policy: OrderingPolicy


async def policy_and_persons(
    session: AsyncSession, leads: Iterable[tuple[UUID, str]], now: datetime
) -> tuple[Declared, Persons]:
    """Each lead with its service. What was given before the policy's time is forgotten."""
    services = dict(leads)
    arrays = {"lead_ids": list(services), "services": list(services.values()), "now": now}
    rows = (await session.execute(_POLICY_AND_PERSONS.columns(body=JSONB), arrays)).all()
    policy = OrderingPolicy(**rows[0].body)
    others: dict[UUID, dict[UUID, set[UUID]]] = {}
    for row in rows if policy.same_person_days else ():
        if row.lead_id is not None:
            had = others.setdefault(row.lead_id, {}).setdefault(row.other_lead_id, set())
            had.update([row.installer_id] if row.installer_id else ())
    return Declared(rows[0].version, policy), Persons(services, others)
