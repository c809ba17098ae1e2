"""Two leads of one person that are made one, and two again, by the commands; and what is looked at after."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.database import Database
from chassis.ids import new_id
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain import LeadStatus
from services.intake.domain.corrections import Correctable
from services.intake.domain.merging import MergeReason, UnmergeReason
from services.intake.models import Merge
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows
from tests.kit.databases import RolledBackDatabase

TWIN = replace(CONTENT, name="Mia OBrien", street="14 Cadogan St", phone="+61400000009", suburb="Petersham")
LATER = NOW + timedelta(hours=1)
ALL = frozenset({Correctable.NAME, Correctable.PHONE, Correctable.STREET, Correctable.PLACE})
STATE = """
    status, status_since, exception_reason, close_reason, reject_reason, merged_into, name, email, email_match, phone,
    street, suburb, state, postcode, delivered_at, dispatch_version, critical_since, snoozed_until, owner_id
"""


async def merge(
    database: Database,
    survivor: UUID,
    loser: UUID,
    taken: frozenset[Correctable] = frozenset(),
    credits_: Sequence[UUID] = (),
) -> Merge:
    command = MergeLeads(
        survivor, loser, taken, MergeReason.ASKED_TWICE, "One and the same", OPERATOR, LATER, tuple(credits_)
    )
    async with database.transaction() as session:
        return await merge_leads(session, command)


async def unmerge(database: Database, loser: UUID) -> Merge:
    async with database.transaction() as session:
        return await unmerge_lead(
            session, UnmergeLead(loser, UnmergeReason.TWO_PEOPLE, "Mother and daughter", OPERATOR, LATER)
        )


async def state_of(database: RolledBackDatabase, lead_id: UUID) -> dict[str, Any]:
    (row,) = await rows(database, f"SELECT {STATE} FROM leads WHERE id = :id", id=lead_id)
    return row


FOUND = (
    "SELECT * FROM lead_pairs WHERE NOT (lead_id = ANY (:ids) AND other_id = ANY (:ids)) ORDER BY id",
    "SELECT kind, value, lead_id FROM lead_match ORDER BY kind, value, lead_id",
    "SELECT * FROM lead_search ORDER BY lead_id",
)


async def found_by(database: RolledBackDatabase, two: list[UUID]) -> list[list[dict[str, Any]]]:
    """By what leads are found, as doubles and by words; but for the pair of the two themselves."""
    return [await rows(database, query, **({"ids": two} if ":ids" in query else {})) for query in FOUND]


async def said(database: RolledBackDatabase, lead_id: UUID, *statuses: LeadStatus, first: int = 1) -> None:
    """Routing's word on a lead."""
    steps = [
        DispatchStep(lead_id, version, new_id(), status, LATER + timedelta(minutes=version))
        for version, status in enumerate(statuses, start=first)
    ]
    async with database.transaction() as session:
        await follow_dispatch(session, steps)


async def last(database: RolledBackDatabase, topic: str = "intake.lead_deeds") -> Any:
    (row,) = await rows(database, "SELECT body FROM outbox WHERE topic = :t ORDER BY id DESC LIMIT 1", t=topic)
    return row["body"]
