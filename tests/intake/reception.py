"""Intake's desk with committed rows: sources and leads wherever they may stand, clients and boards, by the commands."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from contracts.identity import Role
from services.intake.commands.boards import OpenBoard, close_board, open_board
from services.intake.commands.clients import create_client
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.follow_ups import Plan, schedule_follow_up
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.taking import TakeLead, take_lead
from services.intake.commands.operators import OperatorAsTold, keep_operators
from services.intake.commands.ownership import AssignOwner, assign_owner
from services.intake.commands.sources import create_source
from services.intake.domain import Channel, CloseReason, LeadStatus
from services.intake.keyring import KeyRing
from services.intake.models import Board, Client, FollowUp, LeadSource
from services.intake.queries import LiveKey
from tests.intake.samples import CONTENT, OPERATOR, TERMS, Person, screened


@dataclass
class Reception:
    database: Database
    clock: FixedClock

    async def source(self, name: str = "Solar Quotes") -> tuple[LeadSource, LiveKey]:
        async with self.database.transaction() as session:
            keyed = await create_source(session, name, OPERATOR, self.clock.now())
        return keyed.source, await KeyRing(self.database, remember_seconds=0).holder(keyed.api_key)

    async def lead(self, source: LiveKey, *, ago: timedelta = timedelta(), **content: Any) -> UUID:
        """As it was handed in, and screened, so long ago."""
        now = self.clock.now() - ago
        command = TakeLead(
            source=source,
            submission_key=f"form-{new_id()}",
            content=replace(CONTENT, **content),
            remote_address="203.0.113.9",
            now=now,
        )
        lead_id = (await take_lead(self.database, command)).lead_id
        await screened(self.database, now)
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

    async def operator(self, name: str, role: Role = Role.EDITOR, *, is_active: bool = True) -> Person:
        """As identity has told of them."""
        person = Person(new_id(), name)
        await self._tell(person, role, is_active, version=1)
        return person

    async def leaves(self, person: Person) -> None:
        """As identity tells it of who was told of once."""
        await self._tell(person, Role.EDITOR, False, version=2)

    async def _tell(self, person: Person, role: Role, is_active: bool, version: int) -> None:
        email = f"{person.name.split(maxsplit=1)[0].lower()}@waybill.example"
        told = OperatorAsTold(person.id, person.name, email, sorted(role.capabilities), is_active, version)
        async with self.database.transaction() as session:
            await keep_operators(session, [told])

    async def give(self, lead_id: UUID, owner: Person, note: str | None = None, by: Person = OPERATOR) -> None:
        async with self.database.transaction() as session:
            await assign_owner(session, AssignOwner(lead_id, owner.id, note, by, self.clock.now()))

    async def follow_up(
        self,
        lead_id: UUID,
        owner: Person | None = None,
        *,
        ahead: timedelta = timedelta(hours=1),
        planned_ago: timedelta = timedelta(),
        note: str = "Ring about the roof",
        by: Person = OPERATOR,
        channel: Channel = Channel.CALL,
    ) -> FollowUp:
        """Due so long after it was planned."""
        planned_at = self.clock.now() - planned_ago
        plan = Plan(new_id(), owner.id if owner else None, channel, planned_at + ahead, note)
        async with self.database.transaction() as session:
            return await schedule_follow_up(session, lead_id, plan, by, planned_at)

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
