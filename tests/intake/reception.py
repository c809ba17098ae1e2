"""Intake's desk with committed rows: sources and leads wherever they may stand, clients and boards, by the commands."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from services.intake.commands.boards import OpenBoard, close_board, open_board
from services.intake.commands.clients import create_client
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.taking import TakeLead, take_lead
from services.intake.commands.searching import index_leads
from services.intake.commands.sources import create_source
from services.intake.domain import CloseReason, LeadStatus
from services.intake.keyring import KeyRing
from services.intake.models import Board, Client, LeadSource
from services.intake.queries import LiveKey
from tests.intake.samples import CONTENT, OPERATOR, TERMS


@dataclass
class Reception:
    database: Database
    clock: FixedClock

    async def source(self, name: str = "Solar Quotes") -> tuple[LeadSource, LiveKey]:
        async with self.database.transaction() as session:
            keyed = await create_source(session, name, OPERATOR, self.clock.now())
        return keyed.source, await KeyRing(self.database, remember_seconds=0).holder(keyed.api_key)

    async def lead(self, source: LiveKey, *, ago: timedelta = timedelta(), **content: Any) -> UUID:
        """As it was handed in so long ago."""
        command = TakeLead(
            source=source,
            submission_key=f"form-{new_id()}",
            content=replace(CONTENT, **content),
            remote_address="203.0.113.9",
            now=self.clock.now() - ago,
        )
        lead_id = (await take_lead(self.database, command)).lead_id
        async with self.database.transaction() as session:
            await index_leads(session, [lead_id])
        return lead_id

    async def move(
        self, lead_id: UUID, *steps: LeadStatus, ago: timedelta = timedelta(), reason: str | None = None
    ) -> None:
        """As routing's events move it; `reason` is that of an exception."""
        at = self.clock.now() - ago
        async with self.database.transaction() as session:
            moved = [
                DispatchStep(lead_id, version, new_id(), step, at, reason if step is LeadStatus.EXCEPTION else None)
                for version, step in enumerate(steps, start=1)
            ]
            await follow_dispatch(session, moved)

    async def close(self, lead_id: UUID, reason: CloseReason, note: str | None = None) -> None:
        async with self.database.transaction() as session:
            await close_lead(session, CloseLead(lead_id, reason, note, OPERATOR, self.clock.now()))

    async def client(self, **terms: Any) -> Client:
        async with self.database.transaction() as session:
            return await create_client(session, replace(TERMS, **terms), OPERATOR, self.clock.now())

    async def board(self, client: Client, title: str = "Market entry", cents: int = 1_250_000) -> Board:
        command = OpenBoard(client.id, title, cents, "AUD", "PO-4471", OPERATOR, self.clock.now())
        async with self.database.transaction() as session:
            return await open_board(session, command)

    async def closed(self, board: Board) -> Board:
        async with self.database.transaction() as session:
            return await close_board(session, board.id, OPERATOR, self.clock.now())
