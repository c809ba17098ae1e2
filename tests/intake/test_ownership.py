"""Who looks after a lead: one at a time, on record, and told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from chassis.audit import Subject
from chassis.clock import FixedClock
from chassis.console.timeline import ChangedMeanwhile, refuse_if_changed, seen_of
from chassis.database import Database
from chassis.ids import new_id
from contracts.identity import OperatorChanged, Role
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.ownership import AssignOwner, UnassignOwner, assign_owner, unassign_owner
from services.intake.consumers import operators
from services.intake.domain import CloseReason, LeadStatus, Obstacle, OwnerDeed, may_own, obstacle_to_owning
from services.intake.errors import LeadNotOwnable, NoteNeeded, OperatorNotActive, OperatorUnknown
from tests.intake.reception import Reception
from tests.intake.samples import NOW, OPERATOR, Person, committing, rows
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def new_lead(reception: Reception) -> UUID:
    _, quotes = await reception.source()
    return await reception.lead(quotes)


async def owner_of(database: Database, lead_id: UUID) -> tuple[Any, ...]:
    (row,) = await rows(database, "SELECT owner_id, owner_name, owner_since FROM leads WHERE id = :id", id=lead_id)
    return row["owner_id"], row["owner_name"], row["owner_since"]


async def told(database: Database) -> list[dict[str, Any]]:
    found = await rows(database, "SELECT body FROM outbox WHERE topic = 'intake.lead_deeds' ORDER BY id")
    return [json.loads(row["body"]) for row in found]


class TestObstacleToOwning:
    @pytest.mark.parametrize(
        ("deed", "status", "is_owned", "obstacle"),
        [
            (OwnerDeed.TAKE, LeadStatus.DELIVERED, False, None),
            (OwnerDeed.ASSIGN, LeadStatus.ROUTABLE, True, Obstacle.SOMEBODYS),
            (OwnerDeed.HAND_OVER, LeadStatus.ROUTABLE, True, None),
            (OwnerDeed.HAND_OVER, LeadStatus.ROUTABLE, False, Obstacle.NOBODYS),
            (OwnerDeed.UNASSIGN, LeadStatus.EXCEPTION, False, Obstacle.NOBODYS),
            (OwnerDeed.UNASSIGN, LeadStatus.CLOSED, True, Obstacle.CLOSED),
            (OwnerDeed.TAKE, LeadStatus.REJECTED, False, Obstacle.REJECTED),
        ],
    )
    def test_is_the_first_thing_in_the_way(
        self, deed: OwnerDeed, status: LeadStatus, is_owned: bool, obstacle: Obstacle | None
    ) -> None:
        assert obstacle_to_owning(deed, status, is_owned=is_owned) is obstacle

    def test_who_is_given_work_can_do_it(self) -> None:
        assert may_own(["read_ops", "write_routing"], is_active=True)
        assert not may_own(["read_ops"], is_active=True)
        assert not may_own(["read_ops", "write_routing"], is_active=False)


class TestAssignOwner:
    async def test_keeps_tells_and_audits_who_has_it(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead, kim = await new_lead(reception), await reception.operator("Kim Reed")
        await reception.give(lead, kim)
        assert await owner_of(database, lead) == (kim.id, "Kim Reed", NOW)
        (event,) = await told(database)
        assert (event["lead_id"], event["owner_id"], event["owner_name"]) == (str(lead), str(kim.id), "Kim Reed")
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'assign_lead'")
        assert (entry["actor_name"], entry["before"], entry["after"]["owner"]) == (
            "Robin Field",
            {"owner": None},
            "Kim Reed",
        )

    async def test_to_who_has_it_changes_nothing(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead, kim = await new_lead(reception), await reception.operator("Kim Reed")
        await reception.give(lead, kim)
        await reception.give(lead, kim)
        assert len(await told(database)) == 1

    async def test_hands_over_with_a_note_and_not_without(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead = await new_lead(reception)
        kim, ash = await reception.operator("Kim Reed"), await reception.operator("Ash Moran")
        await reception.give(lead, kim)
        with pytest.raises(NoteNeeded, match="Kim Reed has it"):
            await reception.give(lead, ash)
        await reception.give(lead, ash, "She asked for a call after six")
        assert (await owner_of(database, lead))[1] == "Ash Moran"
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'hand_over_lead'")
        assert (entry["before"], entry["reason_text"]) == ({"owner": "Kim Reed"}, "She asked for a call after six")

    async def test_gives_nothing_to_who_is_not_active_or_not_known(self, reception: Reception) -> None:
        lead, gone = await new_lead(reception), await reception.operator("Kim Reed", is_active=False)
        with pytest.raises(OperatorNotActive):
            await reception.give(lead, gone)
        with pytest.raises(OperatorUnknown):
            await reception.give(lead, Person(new_id(), "Nobody"))

    async def test_knows_who_asks_by_their_token(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead = await new_lead(reception)
        await reception.give(lead, OPERATOR)
        assert (await owner_of(database, lead))[1] == "Robin Field"

    async def test_leaves_what_is_closed_to_who_had_it(self, reception: Reception) -> None:
        lead = await new_lead(reception)
        await reception.close(lead, CloseReason.WITHDRAWN)
        with pytest.raises(LeadNotOwnable):
            await reception.give(lead, OPERATOR)


class TestUnassignOwner:
    async def test_makes_it_nobodys_once(self, database: RolledBackDatabase, reception: Reception) -> None:
        lead = await new_lead(reception)
        await reception.give(lead, OPERATOR)
        for _ in range(2):
            async with database.transaction() as session:
                await unassign_owner(session, UnassignOwner(lead, "On leave", OPERATOR, NOW))
        assert await owner_of(database, lead) == (None, None, None)
        assert [event.get("owner_id") for event in await told(database)] == [str(OPERATOR.id), None]

    async def test_the_deeds_of_a_lead_are_numbered_without_a_gap(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        lead, kim = await new_lead(reception), await reception.operator("Kim Reed")
        await reception.give(lead, OPERATOR)
        await reception.give(lead, kim, "Yours")
        assert (await rows(database, "SELECT version, deeds_version FROM leads"))[0] == {
            "version": 1,
            "deeds_version": 2,
        }


class TestOperators:
    def changed(self, operator_id: UUID, version: int, **changes: Any) -> Any:
        state = {
            "name": "Kim Reed",
            "email": "kim@waybill.example",
            "capabilities": tuple(sorted(Role.EDITOR.capabilities)),
            "is_active": True,
        }
        return incoming(OperatorChanged(operator_id=operator_id, **{**state, **changes}), version)

    async def handle(self, database: Database, *events: Any) -> None:
        async with database.transaction() as session:
            await operators.CONSUMER.handlers[OperatorChanged](session, list(events))

    async def test_the_newest_is_kept_however_they_come(self, database: RolledBackDatabase) -> None:
        kim = new_id()
        await self.handle(database, self.changed(kim, 3, is_active=False), self.changed(kim, 2))
        await self.handle(database, self.changed(kim, 1, name="K"))
        (row,) = await rows(database, "SELECT name, is_active, version FROM operators")
        assert row == {"name": "Kim Reed", "is_active": False, "version": 3}
        await self.handle(database, self.changed(kim, 4, capabilities=()))
        (row,) = await rows(database, "SELECT capabilities, is_active FROM operators")
        assert row == {"capabilities": [], "is_active": True}


class TestTwoAtOnce:
    async def test_of_two_who_saw_nobody_one_gets_it(
        self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
    ) -> None:
        kim, ash = Person(new_id(), "Kim Reed"), Person(new_id(), "Ash Moran")
        async with committing(fresh_database("intake")) as database:
            reception = Reception(database, clock)
            lead = await new_lead(reception)
            async with database.reading() as session:
                seen = await seen_of(session, Subject("lead", lead))
            assert seen == ""

            async def take(person: Person) -> None:
                async with database.transaction() as session:
                    await refuse_if_changed(session, Subject("lead", lead), None)
                    await assign_owner(session, AssignOwner(lead, person.id, None, person, NOW))

            ended = await asyncio.gather(take(kim), take(ash), return_exceptions=True)
            assert [type(each) for each in ended if each] == [ChangedMeanwhile]
            winner = kim if ended[0] is None else ash
            assert (await owner_of(database, lead))[0] == winner.id
            assert len(await told(database)) == 1
