"""Two who work on the same leads at once: real commits, real connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chassis.database import Database
from chassis.errors import Refusal
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.crediting_later import AskCreditsLater, ask_credits_later
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.reviewing import DismissPair, ReleaseLead, dismiss_pair, release_lead
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain.corrections import CorrectionReason
from services.intake.domain.duplicates import DismissReason
from services.intake.domain.merging import MergeReason, UnmergeReason
from services.intake.errors import CreditNotPossible, LeadNotHeld, LeadNotMergeable, PairDecided
from services.intake.queries.screening import Turn, take_turn
from tests.intake.couples import Couples
from tests.intake.samples import CONTENT, NOW, OPERATOR, committing, rows, someone, working_source
from tests.intake.telling import BRIGHT, tell_all
from tests.kit.eventually import eventually

TWIN = replace(CONTENT, name="Mia OBrien")


@pytest.fixture
async def couples(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Couples]:
    async with committing(fresh_database("intake")) as database:
        yield Couples(database, (await working_source(database))[1])


async def at_once(database: Database, *deeds: tuple[Any, Any]) -> list[Refusal | None]:
    """What each came to: done, or refused."""

    async def do(command: Callable[..., Awaitable[Any]], given: Any) -> None:
        async with database.transaction() as session:
            await command(session, given)

    ended = await asyncio.gather(*(do(*deed) for deed in deeds), return_exceptions=True)
    assert all(each is None or isinstance(each, Refusal) for each in ended), ended
    return [each if isinstance(each, Refusal) else None for each in ended]


def merging(survivor: UUID, loser: UUID, *credited: UUID) -> tuple[Any, MergeLeads]:
    taken: frozenset[Any] = frozenset()
    return merge_leads, MergeLeads(survivor, loser, taken, MergeReason.ASKED_TWICE, None, OPERATOR, NOW, credited)


async def test_of_two_on_one_merge_both_are_done_and_it_is_one(couples: Couples) -> None:
    first, second = await couples.leads(CONTENT, someone(1))
    assert await at_once(couples.database, *[merging(first, second)] * 2) == [None, None]
    assert len(await rows(couples.database, "SELECT 1 FROM merges")) == 1
    assert [type_ for type_, _ in await couples.events("intake.lead_deeds")] == ["lead.merged"]


async def test_credits_of_a_merge_are_asked_for_whoever_comes_first(couples: Couples) -> None:
    """On the same leads one with credits, and one without."""
    first, second = await couples.leads(CONTENT, someone(1))
    await tell_all(couples.database, second)
    both = [merging(first, second), merging(first, second, BRIGHT)]
    assert await at_once(couples.database, *both) == [None, None]
    (kept,) = await rows(couples.database, "SELECT deed_id, assignment_id FROM credit_requests")
    (made,) = await rows(couples.database, "SELECT id FROM merges")
    assert kept == {"deed_id": made["id"], "assignment_id": BRIGHT}


async def test_of_a_family_one_asks_for_a_credit(couples: Couples) -> None:
    first, second, third = await couples.leads(CONTENT, someone(1), someone(2))
    await tell_all(couples.database, first)
    await at_once(couples.database, merging(second, first))
    await at_once(couples.database, merging(third, second))
    asking = [
        (ask_credits_later, AskCreditsLater(lead_id, (BRIGHT,), "Sold twice", OPERATOR, NOW))
        for lead_id in (first, second)
    ]
    ended = await at_once(couples.database, *asking)
    assert sorted(type(each) is CreditNotPossible for each in ended) == [False, True]
    assert len(await rows(couples.database, "SELECT 1 FROM credit_requests")) == 1


async def test_of_two_who_merge_each_into_the_other_one_is_refused(couples: Couples) -> None:
    first, second = await couples.leads(CONTENT, someone(1))
    ended = await at_once(couples.database, merging(first, second), merging(second, first))
    assert sorted(type(each) is LeadNotMergeable for each in ended) == [False, True]
    assert len(await rows(couples.database, "SELECT 1 FROM leads WHERE merged_into IS NOT NULL")) == 1


async def test_one_lead_goes_into_one_other(couples: Couples) -> None:
    first, second, third = await couples.leads(CONTENT, someone(1), someone(2))
    ended = await at_once(couples.database, merging(first, third), merging(second, third))
    (refused,) = [each for each in ended if each]
    assert "Robin Field merged it into another lead" in str(refused)


@pytest.mark.parametrize("deed", ["release", "dismiss"])
async def test_a_merge_and_its_contrary_never_both_come_true(couples: Couples, deed: str) -> None:
    first, second = await couples.leads(CONTENT, TWIN)
    contrary: tuple[Any, Any] = (
        (release_lead, ReleaseLead(second, DismissReason.TWO_PEOPLE, None, OPERATOR, NOW))
        if deed == "release"
        else (dismiss_pair, DismissPair(first, second, DismissReason.TWO_PEOPLE, None, OPERATOR, NOW))
    )
    ended = await at_once(couples.database, merging(first, second), contrary)
    (row,) = await rows(couples.database, "SELECT merged_into, version FROM leads WHERE id = :id", id=second)
    told = [type_ for type_, key in await couples.events() if key == second]
    if ended[1] is None:
        # Released first, and made one with the other afterwards: that is what each of them asked for.
        assert (ended[0], told) == (None, ["lead.created", "lead.closed"])
    else:
        assert isinstance(ended[1], LeadNotHeld | PairDecided)
        assert told == []
    assert row["merged_into"] == first
    assert row["version"] == len(told)


async def test_of_two_who_take_a_merge_apart_it_is_done_once(couples: Couples) -> None:
    first, second = await couples.leads(CONTENT, someone(1))
    await at_once(couples.database, merging(first, second))
    apart = (unmerge_lead, UnmergeLead(second, UnmergeReason.TWO_PEOPLE, None, OPERATOR, NOW))
    assert await at_once(couples.database, apart, apart) == [None, None]
    assert [type_ for type_, _ in await couples.events("intake.lead_deeds")] == ["lead.merged", "lead.unmerged"]


async def test_a_circle_of_merges_waits_for_nobody_for_ever(couples: Couples) -> None:
    """Rows are locked in the order of their ids, whoever survives."""
    leads = await couples.leads(*(someone(number) for number in range(4)))
    circle = [merging(leads[place], leads[(place + 1) % 4]) for place in range(4)]
    ended = await asyncio.wait_for(at_once(couples.database, *circle), 30)
    assert None in ended


class TestACorrection:
    """Of two leads that come to say one thing at the same moment, the later is compared with the earlier."""

    async def test_waits_for_another(self, couples: Couples) -> None:
        first, second = await couples.leads(someone(1), someone(2))
        async with couples.database.transaction() as session:
            await correct_lead(session, correcting(first))
            other = asyncio.create_task(correct(couples, second))
            await eventually(lambda: is_over_or_waits(couples, other))
        await other
        (pair,) = await couples.pairs()
        assert ({pair["lead_id"], pair["other_id"]}, pair["state"]) == ({first, second}, "open")

    async def test_is_seen_by_what_comes_in_meanwhile(self, couples: Couples) -> None:
        first = await couples.lead(someone(1))
        arriving = await couples.take(someone(2, name=someone(1).name, phone=CONTENT.phone))
        async with couples.database.transaction() as session:
            await correct_lead(session, correcting(first))
            async with couples.database.transaction() as another:
                assert await take_turn(another) is Turn.ANOTHERS
        await couples.screen()
        assert await couples.status(arriving) == "duplicate_review"


def correcting(lead_id: UUID) -> CorrectLead:
    return CorrectLead(lead_id, {"phone": CONTENT.phone}, CorrectionReason.PERSON_TOLD, None, OPERATOR, NOW)


async def correct(couples: Couples, lead_id: UUID) -> None:
    async with couples.database.transaction() as session:
        await correct_lead(session, correcting(lead_id))


async def is_over_or_waits(couples: Couples, deed: "asyncio.Task[None]") -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return deed.done() or bool(await rows(couples.database, waiting))
