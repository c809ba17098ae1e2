"""Erasing a person whose leads were made one: none of the family says a word of them, and none is taken apart again."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.reviewing import DismissPair, dismiss_pair
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain.corrections import Correctable
from services.intake.domain.duplicates import DismissReason
from services.intake.domain.merging import MergeReason, UnmergeReason
from services.intake.errors import LeadNotMergeable, UnmergeBlocked
from tests.intake.couples import Couples
from tests.intake.reception import Reception
from tests.intake.samples import CONTENT, NOW, OPERATOR, committing, rows, working_source
from tests.intake.test_erasing import SAID, erase, everywhere
from tests.kit.databases import RolledBackDatabase

TWIN = replace(CONTENT, name="Mia OBrien", street="14 Cadogan St", phone="+61400000009")
WORDS = (*SAID, "Mia", "OBrien", "Cadogan", "400000009")


async def merge(database: Database, survivor: UUID, loser: UUID) -> None:
    taken = frozenset({Correctable.NAME, Correctable.PHONE})
    command = MergeLeads(survivor, loser, taken, MergeReason.ASKED_TWICE, "Mia rang: one request", OPERATOR, NOW)
    async with database.transaction() as session:
        await merge_leads(session, command)


async def unmerge(database: Database, loser: UUID) -> None:
    command = UnmergeLead(loser, UnmergeReason.TWO_PEOPLE, "Mia and her mother", OPERATOR, NOW)
    async with database.transaction() as session:
        await unmerge_lead(session, command)


@pytest.fixture
async def couples(database: RolledBackDatabase) -> Couples:
    couples = Couples(database, (await working_source(database))[1])
    await couples.set(is_on=False)
    return couples


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


@pytest.mark.parametrize("chosen", [0, 1, 2])
async def test_takes_the_whole_family_whichever_was_chosen(couples: Couples, reception: Reception, chosen: int) -> None:
    family = await couples.leads(CONTENT, TWIN, replace(TWIN, street="14 Cadogan Str"))
    await merge(couples.database, family[1], family[2])
    await merge(couples.database, family[0], family[1])
    erasure = await erase(reception, family[chosen])
    assert set(erasure.lead_ids) == set(family)
    after = await everywhere(reception)
    assert not [word for word in WORDS if word in after]
    assert await rows(couples.database, "SELECT * FROM lead_match") == []


async def test_takes_what_was_taken_apart_only_where_it_was_chosen(couples: Couples, reception: Reception) -> None:
    """They are two people, somebody said; what the merge had said of the one who is erased goes all the same."""
    survivor, loser = await couples.leads(CONTENT, TWIN)
    await merge(couples.database, survivor, loser)
    await unmerge(couples.database, loser)
    erasure = await erase(reception, loser)
    assert erasure.lead_ids == [loser]
    fields = await rows(couples.database, "SELECT before, after FROM merge_fields")
    assert {(each["before"], each["after"]) for each in fields} == {("", "")}
    (kept,) = await rows(couples.database, "SELECT name FROM leads WHERE id = :id", id=survivor)
    assert kept["name"] == CONTENT.name


async def test_lets_nobody_take_it_apart_or_merge_it(couples: Couples, reception: Reception) -> None:
    survivor, loser, other = await couples.leads(CONTENT, TWIN, TWIN)
    await merge(couples.database, survivor, loser)
    await erase(reception, survivor)
    with pytest.raises(UnmergeBlocked):
        await unmerge(couples.database, loser)
    with pytest.raises(LeadNotMergeable):
        await merge(couples.database, other, survivor)
    with pytest.raises(LeadNotMergeable):
        await merge(couples.database, survivor, other)


async def test_a_note_on_a_pair_goes_with_either_of_the_two(couples: Couples, reception: Reception) -> None:
    first, second = await couples.leads(CONTENT, TWIN)
    command = DismissPair(first, second, DismissReason.TWO_PEOPLE, "Mia says it is her mother", OPERATOR, NOW)
    async with couples.database.transaction() as session:
        await dismiss_pair(session, command)
    await erase(reception, first)
    (pair,) = await rows(couples.database, "SELECT note FROM lead_pairs")
    assert pair["note"] is None


async def test_a_merge_at_the_same_time_leaves_no_half_of_it(fresh_database: Callable[[str], ServiceDatabase]) -> None:
    """Whichever comes first: both are erased, or they were never made one."""
    async with committing(fresh_database("intake")) as database:
        couples = Couples(database, (await working_source(database))[1])
        await couples.set(is_on=False)
        reception = Reception(database, FixedClock(NOW))
        for _ in range(5):
            survivor, loser = await couples.leads(CONTENT, TWIN)
            await asyncio.gather(merge(database, survivor, loser), erase(reception, survivor), return_exceptions=True)
            found = await rows(
                database,
                "SELECT merged_into, erased_at, name FROM leads WHERE id = ANY (:ids) ORDER BY id",
                ids=[survivor, loser],
            )
            assert (found[0]["erased_at"], found[0]["name"]) == (NOW, "")
            is_erased = found[1]["erased_at"] is not None
            assert is_erased == (found[1]["merged_into"] is not None) == (found[1]["name"] == "")
