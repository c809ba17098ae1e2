"""A merge that is taken apart: both leads as if it had never been, but for what cannot be taken back."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.corrections import CorrectionReason
from services.intake.errors import LeadNotMerged, UnmergeBlocked
from tests.intake.couples import Couples
from tests.intake.merges import ALL, LATER, TWIN, found_by, merge, said, state_of, unmerge
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, someone
from tests.kit.databases import RolledBackDatabase


class TestUnmergeLead:
    async def test_restores_both_exactly(self, database: RolledBackDatabase, couples: Couples, two: list[UUID]) -> None:
        """And whom else they may be one with: one was like the survivor, the other is so too while it is merged."""
        loser, survivor = two
        like_survivor = await couples.lead(someone(3, phone=TWIN.phone))
        like_loser = await couples.lead(someone(4, phone=CONTENT.phone))
        await said(database, loser, LeadStatus.DISPATCHING, LeadStatus.EXCEPTION)
        async with database.transaction() as session:
            await session.execute(text("UPDATE leads SET critical_since = status_since WHERE id = :id"), {"id": loser})
        before = [await state_of(database, each) for each in two]
        found = await found_by(database, two)
        await merge(database, survivor, loser, ALL)
        assert {
            pair["lead_id"] for pair in await couples.pairs() if pair["other_id"] == survivor and pair["score"]
        } == {like_survivor, like_loser}
        await unmerge(database, loser)
        assert [await state_of(database, each) for each in two] == before
        assert await found_by(database, two) == found
        assert [pair["other_id"] for pair in await couples.pairs() if pair["lead_id"] == like_survivor] == [survivor]

    async def test_opens_it_again_for_the_others(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await merge(database, survivor, loser)
        await unmerge(database, loser)
        assert (await couples.events())[-2:] == [("lead.closed", loser), ("lead.reopened", loser)]
        assert await couples.events("intake.lead_deeds") == [("lead.merged", loser), ("lead.unmerged", loser)]
        assert [pair["state"] for pair in await couples.pairs()] == ["dismissed"]

    async def test_holds_again_what_was_held(self, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, CONTENT)
        await merge(couples.database, first, second)
        await unmerge(couples.database, second)
        assert await couples.status(second) == "duplicate_review"
        assert [(pair["state"], pair["holds"]) for pair in await couples.pairs()] == [("open", True)]
        assert await couples.events() == [("lead.created", first)]

    async def test_applies_what_routing_said_meanwhile(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await said(database, loser, LeadStatus.DISPATCHING)
        await merge(database, survivor, loser)
        await said(database, loser, LeadStatus.DELIVERED, first=2)
        assert (await state_of(database, loser))["status"] == "closed"
        await unmerge(database, loser)
        after = await state_of(database, loser)
        assert (after["status"], after["delivered_at"]) == ("delivered", LATER + timedelta(minutes=2))
        assert (after["status_since"], after["dispatch_version"]) == (LATER + timedelta(minutes=2), 2)

    async def test_leaves_what_was_corrected_since(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await merge(database, survivor, loser, ALL)
        command = CorrectLead(survivor, {"phone": "+61499999999"}, CorrectionReason.PERSON_TOLD, None, OPERATOR, LATER)
        async with database.transaction() as session:
            await correct_lead(session, command)
        await unmerge(database, loser)
        after = await state_of(database, survivor)
        assert (after["phone"], after["street"], after["suburb"]) == ("+61499999999", TWIN.street, TWIN.suburb)
        (entry,) = await rows(database, "SELECT after FROM audit_entries WHERE action = 'unmerge_from'")
        assert entry["after"]["fields_kept"] == ["phone"]
        (entry,) = await rows(database, "SELECT before, after FROM audit_entries WHERE action = 'unmerge_lead'")
        assert entry["before"] == {"status": "closed", "merged_into_lead_id": str(survivor)}
        assert (entry["after"]["status"], entry["after"]["merged_into_lead_id"]) == ("routable", None)

    async def test_twice_is_once_and_of_what_was_never_merged_refused(
        self, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        with pytest.raises(LeadNotMerged):
            await unmerge(database, loser)
        await merge(database, survivor, loser)
        first = await unmerge(database, loser)
        assert (await unmerge(database, loser)).id == first.id
        assert len(await rows(database, "SELECT 1 FROM outbox WHERE topic = 'intake.lead_deeds'")) == 2

    async def test_the_last_in_is_the_first_out(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        loser, survivor = two
        third, fourth = await couples.leads(someone(7), someone(8))
        await merge(database, survivor, loser, ALL)
        await merge(database, survivor, third)
        with pytest.raises(UnmergeBlocked, match="another lead was merged into the same one since"):
            await unmerge(database, loser)
        await unmerge(database, third)
        await merge(database, fourth, survivor)
        with pytest.raises(UnmergeBlocked, match="take that apart first"):
            await unmerge(database, loser)
        await unmerge(database, survivor)
        await unmerge(database, loser)
        assert (await state_of(database, loser))["merged_into"] is None

    async def test_of_one_that_was_closed_before_leaves_it_closed_for_its_own_reason(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        loser, survivor = two
        async with database.transaction() as session:
            await close_lead(session, CloseLead(loser, CloseReason.WITHDRAWN, None, OPERATOR, NOW))
        before = await state_of(database, loser)
        await merge(database, survivor, loser)
        assert (await state_of(database, loser))["close_reason"] == "duplicate"
        await unmerge(database, loser)
        assert await state_of(database, loser) == before
        assert [type_ for type_, _ in await couples.events()] == ["lead.created", "lead.created", "lead.closed"]
