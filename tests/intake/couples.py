"""Two leads that may be one, wherever they may stand, by the commands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.database import Database
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.envelope import from_headers
from services.intake.commands.leads.taking import TakeLead, take_lead
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.screening import STEPS
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain import LeadContent
from services.intake.domain.merging import MergeReason, UnmergeReason
from services.intake.queries import LiveKey
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, screened

PAIRS = """
    SELECT lead_id, other_id, score, reasons, days_apart, is_same_service, holds, state, screened_score
      FROM lead_pairs ORDER BY score DESC, lead_id, other_id
"""


@dataclass
class Couples:
    """A source whose leads are looked at as the worker does."""

    database: Database
    source: LiveKey

    async def lead(self, content: LeadContent = CONTENT, *, at: datetime = NOW) -> UUID:
        lead_id = await self.take(content, at=at)
        await self.screen(at)
        return lead_id

    async def take(self, content: LeadContent = CONTENT, *, at: datetime = NOW) -> UUID:
        """Not looked at yet."""
        command = TakeLead(self.source, f"form-{new_id()}", content, "203.0.113.9", at)
        return (await take_lead(self.database, command)).lead_id

    async def leads(self, *contents: LeadContent, apart: timedelta = timedelta(minutes=1)) -> list[UUID]:
        """One after another, the last now."""
        ages = [apart * ago for ago in reversed(range(len(contents)))]
        return [await self.lead(content, at=NOW - age) for content, age in zip(contents, ages, strict=True)]

    async def screen(self, at: datetime = NOW) -> None:
        await screened(self.database, at, STEPS)

    async def set(self, **settings: Any) -> None:
        changes = ", ".join(f"{name} = :{name}" for name in settings)
        async with self.database.transaction() as session:
            await session.execute(text(f"UPDATE duplicate_settings SET {changes}"), settings)

    async def status(self, lead_id: UUID) -> str:
        (row,) = await rows(self.database, "SELECT status FROM leads WHERE id = :id", id=lead_id)
        return str(row["status"])

    async def pairs(self) -> list[dict[str, Any]]:
        return await rows(self.database, PAIRS)

    async def events(self, topic: str = "intake.leads") -> list[tuple[str, UUID]]:
        """Types and keys, as they were published."""
        found = await rows(
            self.database, "SELECT key, headers FROM outbox WHERE topic = :topic ORDER BY id", topic=topic
        )
        return [(_type_of(row["headers"]), UUID(row["key"].decode())) for row in found]


def _type_of(packed: Any) -> str:
    return from_headers(unpack_headers(packed)).type


async def merge(database: Database, survivor: UUID, loser: UUID) -> None:
    command = MergeLeads(survivor, loser, frozenset(), MergeReason.ASKED_TWICE, None, OPERATOR, NOW)
    async with database.transaction() as session:
        await merge_leads(session, command)


async def unmerge(database: Database, loser: UUID) -> None:
    async with database.transaction() as session:
        await unmerge_lead(session, UnmergeLead(loser, UnmergeReason.TWO_PEOPLE, None, OPERATOR, NOW))
