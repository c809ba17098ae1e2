"""What somebody has who may own nothing any more is given on: leads, and what is planned for them, each on record."""

import json
from typing import Any

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from contracts.identity import OperatorChanged
from services.intake.commands.giving_on import give_on, give_on_some
from services.intake.consumers import operators
from services.intake.domain import CloseReason
from tests.intake.reception import Reception
from tests.intake.samples import NOW, Person, rows
from tests.kit.databases import RolledBackDatabase
from tests.kit.records import incoming


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def left(database: Database, who: Person, *, is_active: bool = False, capabilities: tuple[str, ...] = ()) -> None:
    """As identity tells of it."""
    event = OperatorChanged(
        operator_id=who.id,
        name=who.name,
        email="left@waybill.example",
        is_active=is_active,
        capabilities=capabilities,
    )
    async with database.transaction() as session:
        await operators.on_changed(session, [incoming(event, version=2)])


async def owners(database: Database, table: str) -> list[str | None]:
    return [row["owner_name"] for row in await rows(database, f"SELECT owner_name FROM {table} ORDER BY id")]


async def on_record(database: Database) -> list[tuple[Any, ...]]:
    found = await rows(
        database,
        "SELECT action, actor_name, before->>'owner' AS was, after->>'owner' AS became, reason_code FROM audit_entries "
        "WHERE reason_code IS NOT NULL ORDER BY id",
    )
    return [tuple(row.values()) for row in found]


class TestGiveOn:
    async def test_shares_leads_out_by_how_few_each_has_and_their_follow_ups_with_them(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        gone, ali, kim = [await reception.operator(name) for name in ("Gwen Hart", "Ali Moss", "Kim Park")]
        await reception.operator("Vic Lowe", is_active=False)
        (first, *others) = [await reception.lead(quotes) for _ in range(4)]
        await reception.give(first, ali)
        for lead in others:
            await reception.give(lead, gone)
        await reception.follow_up(others[0], gone)
        await left(database, gone)
        assert await give_on(database, NOW) == 3
        assert sorted(str(name) for name in await owners(database, "leads")) == ["Ali Moss"] * 2 + ["Kim Park"] * 2
        ((taker,),) = [
            tuple(row.values())
            for row in await rows(database, "SELECT owner_name FROM leads WHERE id = :id", id=others[0])
        ]
        assert await owners(database, "follow_ups") == [taker]
        told = [json.loads(row["body"]) for row in await rows(database, "SELECT body FROM outbox ORDER BY id")]
        assert len([body for body in told if body.get("owner_name") in ("Ali Moss", "Kim Park")]) == 1 + 3
        kept = await on_record(database)
        assert ("reassign_follow_up", "system", "Gwen Hart", taker, "owner_left") in kept
        assert [entry[0] for entry in kept].count("hand_over_lead") == 3
        assert await give_on(database, NOW) == 0
        assert kim.name in await owners(database, "leads")

    async def test_follow_ups_alone_go_to_who_has_their_lead_and_else_to_who_has_fewest(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        gone, ali, kim = [await reception.operator(name) for name in ("Gwen Hart", "Ali Moss", "Kim Park")]
        owned, nobodys = await reception.lead(quotes), await reception.lead(quotes)
        await reception.give(owned, kim)
        for lead, number in ((owned, 2), (nobodys, 1)):
            for _ in range(number):
                await reception.follow_up(lead, gone)
        await left(database, gone, is_active=True, capabilities=("read_ops",))
        assert await give_on(database, NOW) == 2
        assert sorted(str(name) for name in await owners(database, "follow_ups")) == [ali.name, kim.name, kim.name]
        assert set(await owners(database, "leads")) == {kim.name, None}

    async def test_is_nobodys_where_nobody_may_have_it(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        gone = await reception.operator("Gwen Hart")
        lead = await reception.lead(quotes)
        await reception.give(lead, gone)
        await reception.follow_up(lead, gone)
        await left(database, gone)
        assert await give_on(database, NOW) == 1
        assert await owners(database, "leads") == await owners(database, "follow_ups") == [None]
        assert {entry[0] for entry in await on_record(database)} == {"unassign_lead", "reassign_follow_up"}

    async def test_leaves_what_is_over_and_what_is_of_somebody_who_is_there(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        gone, ali = await reception.operator("Gwen Hart"), await reception.operator("Ali Moss")
        over, theirs = await reception.lead(quotes), await reception.lead(quotes)
        await reception.give(over, gone)
        await reception.give(theirs, ali)
        await reception.close(over, CloseReason.WITHDRAWN)
        await left(database, gone)
        assert await give_on(database, NOW) == 0
        assert set(await owners(database, "leads")) == {"Gwen Hart", "Ali Moss"}

    async def test_takes_so_many_at_once_and_finds_the_rest(
        self, database: RolledBackDatabase, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        gone, ali = await reception.operator("Gwen Hart"), await reception.operator("Ali Moss")
        for _ in range(3):
            await reception.give(await reception.lead(quotes), gone)
        await left(database, gone)
        for expected in (2, 1, 0):
            async with database.transaction() as session:
                assert await give_on_some(session, NOW, most=2) == expected
        assert await owners(database, "leads") == [ali.name] * 3
