"""Bringing in what leads of before an upgrade lack: what is found afterwards, what is left out, and who does it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from services.intake.commands import filling
from services.intake.commands.erasing import ErasePerson, erase_person
from services.intake.commands.filling import FILLS, LEFT, Filler, fill_all
from services.intake.commands.leads.taking import take_lead
from services.intake.domain.erasure import AskedVia, ErasureReason
from tests.intake.couples import Couples
from tests.intake.samples import (
    CONTENT,
    NOW,
    OPERATOR,
    committing,
    count,
    rows,
    screened,
    someone,
    taking,
    working_source,
)
from tests.kit.databases import RolledBackDatabase

FILL = {fill.name: fill for fill in FILLS}
MATCH = "SELECT * FROM lead_match ORDER BY lead_id, kind"


@pytest.fixture
async def couples(database: RolledBackDatabase) -> Couples:
    return Couples(database, (await working_source(database))[1])


async def of_before(database: Database) -> None:
    """As if there had been no index of words, and no keys."""
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM lead_search"))
        await session.execute(text("DELETE FROM lead_match"))


async def erase(database: Database, lead_id: UUID) -> None:
    command = ErasePerson(
        new_id(), (lead_id,), AskedVia.PERSON, ErasureReason.OBJECTED, "Asked by letter", OPERATOR, NOW
    )
    async with database.transaction() as session:
        await erase_person(session, command)


class TestTheKeys:
    async def test_let_a_new_lead_find_one_of_before(self, couples: Couples, clock: FixedClock) -> None:
        old = await couples.lead(CONTENT, at=NOW - timedelta(days=20))
        await of_before(couples.database)
        assert await couples.status(await couples.lead(someone(1, phone=CONTENT.phone))) == "routable"
        await fill_all(couples.database, clock)
        twin = await couples.lead(replace(CONTENT, name="Mia OBrien"))
        assert await couples.status(twin) == "duplicate_review"
        assert {pair["other_id"] for pair in await couples.pairs() if pair["lead_id"] == twin} >= {old}

    async def test_are_those_that_screening_would_have_kept(self, couples: Couples, clock: FixedClock) -> None:
        await couples.leads(CONTENT, someone(1), someone(2))
        kept = await rows(couples.database, MATCH)
        await of_before(couples.database)
        await fill_all(couples.database, clock)
        assert await rows(couples.database, MATCH) == kept
        assert await couples.pairs() == []

    async def test_change_nothing_of_a_lead_that_has_them(self, couples: Couples, clock: FixedClock) -> None:
        await couples.leads(CONTENT, someone(1))
        await of_before(couples.database)
        await couples.lead(someone(2))
        await fill_all(couples.database, clock)
        before = await rows(couples.database, "SELECT *, xmin::text, ctid::text FROM lead_match ORDER BY lead_id, kind")
        await fill_all(couples.database, clock)
        after = await rows(couples.database, "SELECT *, xmin::text, ctid::text FROM lead_match ORDER BY lead_id, kind")
        assert after == before

    async def test_are_not_brought_to_who_was_erased_nor_to_what_is_compared_with_nothing(
        self, couples: Couples, clock: FixedClock
    ) -> None:
        erased = await couples.lead(CONTENT)
        await couples.lead(someone(1), at=NOW - timedelta(days=366))
        kept = await couples.lead(someone(2))
        await erase(couples.database, erased)
        await of_before(couples.database)
        await couples.take(someone(3))
        await fill_all(couples.database, clock)
        assert {row["lead_id"] for row in await rows(couples.database, MATCH)} == {kept}


class TestAFiller:
    async def test_goes_portion_by_portion_tells_what_is_left_and_then_rests(
        self, couples: Couples, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filling, "AT_ONCE", 2)
        ids = await couples.leads(*(someone(number) for number in range(5)))
        await of_before(couples.database)
        filler = Filler(couples.database, clock, FILL["match"])
        left = []
        while await filler.step():
            left.append(LEFT.labels("match")._value.get())
        assert (left, LEFT.labels("match")._value.get()) == ([3, 1], 0)
        assert {row["lead_id"] for row in await rows(couples.database, MATCH)} == set(ids)
        await of_before(couples.database)
        assert not await filler.step()
        assert await count(couples.database, "lead_match") == 0

    async def test_looks_again_for_what_an_old_process_took_in_meanwhile(
        self, couples: Couples, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filling, "LOOKS_AGAIN_SECONDS", 0.0)
        filler = Filler(couples.database, clock, FILL["match"])
        assert not await filler.step()
        await couples.lead(CONTENT)
        await of_before(couples.database)
        await filler.step()
        assert await count(couples.database, "lead_match") == 4


@pytest.fixture
async def committed(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Database]:
    async with committing(fresh_database("intake")) as database:
        yield database


async def taken(database: Database, number: int) -> None:
    """As they were before there were keys."""
    _, source = await working_source(database)
    for each in range(number):
        await take_lead(database, taking(source, f"key-{each}", someone(each)))
    await screened(database)


async def with_keys(database: Database) -> int:
    (row,) = await rows(database, "SELECT count(DISTINCT lead_id) AS n FROM lead_match")
    return int(row["n"])


class TestSeveralFillers:
    async def test_bring_each_in_once(
        self, committed: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filling, "AT_ONCE", 3)
        monkeypatch.setattr(filling, "ANOTHERS_SECONDS", 0.0)
        await taken(committed, 20)
        brought: list[UUID] = []

        async def bring(session: AsyncSession, ids: Sequence[UUID]) -> None:
            await FILL["match"].bring(session, ids)
            brought.extend(ids)

        async def fill() -> None:
            filler = Filler(committed, clock, replace(FILL["match"], bring=bring))
            while await filler.step() or await with_keys(committed) < 20:
                continue

        await asyncio.gather(fill(), fill(), fill())
        assert len(brought) == len(set(brought)) == await with_keys(committed) == 20

    async def test_one_that_dies_in_the_middle_leaves_the_rest_to_another(
        self, committed: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filling, "AT_ONCE", 5)
        await taken(committed, 10)
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang(session: AsyncSession, ids: Sequence[UUID]) -> None:
            await FILL["match"].bring(session, ids)
            reached.set()
            await never.wait()

        dying = Filler(committed, clock, replace(FILL["match"], bring=hang))
        first = Filler(committed, clock, FILL["match"])
        assert await first.step()
        step = asyncio.create_task(dying.step())
        await reached.wait()
        assert not await Filler(committed, clock, FILL["match"]).step()
        step.cancel()
        with suppress(asyncio.CancelledError):
            await step
        assert await with_keys(committed) == 5
        await fill_all(committed, clock)
        assert await with_keys(committed) == 10
