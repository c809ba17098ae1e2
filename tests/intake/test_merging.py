"""Two leads that are made one, and two again: fields, tombstone, pair, what the others hear, credits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.database import Database
from chassis.ids import new_id
from contracts.envelope import decode_body
from contracts.intake import LeadCorrected, LeadCreditsAsked, LeadMerged
from services.intake import queries
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.commands.leads.correcting import CorrectLead, correct_lead
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.corrections import Correctable, CorrectionReason
from services.intake.domain.merging import MergeReason, UnmergeReason
from services.intake.errors import CreditNotPossible, LeadNotMergeable, LeadNotMerged, UnmergeBlocked
from services.intake.models import Lead, Merge
from tests.intake.couples import Couples
from tests.intake.desk import Desk
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, someone, working_source
from tests.intake.telling import BRIGHT, SUNNY, take, tell_all, told
from tests.kit.databases import RolledBackDatabase

TWIN = replace(CONTENT, name="Mia OBrien", street="14 Cadogan St", phone="+61400000009", suburb="Petersham")
LATER = NOW + timedelta(hours=1)
ALL = frozenset({Correctable.NAME, Correctable.PHONE, Correctable.STREET, Correctable.PLACE})
STATE = """
    status, status_since, exception_reason, close_reason, reject_reason, merged_into, name, email, email_match, phone,
    street, suburb, state, postcode, delivered_at, dispatch_version, critical_since, snoozed_until, owner_id
"""


@pytest.fixture
async def couples(database: RolledBackDatabase) -> Couples:
    return Couples(database, (await working_source(database))[1])


@pytest.fixture
async def two(couples: Couples) -> list[UUID]:
    """Both let in; the second is the one to go on."""
    await couples.set(is_on=False)
    return await couples.leads(CONTENT, TWIN)


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


class TestMergeLeads:
    async def test_keeps_the_loser_as_a_tombstone(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        made = await merge(database, survivor, loser)
        after = await state_of(database, loser)
        assert (after["status"], after["close_reason"], after["merged_into"]) == ("closed", "duplicate", survivor)
        assert (after["name"], after["phone"]) == (CONTENT.name, CONTENT.phone)
        event = decode_body(LeadMerged, await last(database))
        assert (event.lead_id, event.survivor_id, event.merge_id) == (loser, survivor, made.id)
        (step,) = await rows(database, "SELECT * FROM lead_status_changes WHERE to_status = 'closed'")
        assert (step["lead_id"], step["reason_code"], step["actor_name"]) == (loser, "merged", "Robin Field")

    async def test_tells_the_others_that_it_was_closed(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await merge(database, survivor, loser)
        assert await couples.events() == [("lead.created", loser), ("lead.created", survivor), ("lead.closed", loser)]

    async def test_takes_what_is_chosen_and_nothing_else(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        made = await merge(database, survivor, loser, frozenset({Correctable.PHONE, Correctable.PLACE}))
        after = await state_of(database, survivor)
        assert (after["phone"], after["suburb"], after["name"]) == (CONTENT.phone, CONTENT.suburb, TWIN.name)
        kept = await rows(database, "SELECT field, before, after FROM merge_fields WHERE merge_id = :id", id=made.id)
        assert {row["field"]: (row["before"], row["after"]) for row in kept} == {
            "phone": (TWIN.phone, CONTENT.phone),
            "suburb": ("Petersham", "Marrickville"),
        }
        (body,) = await rows(database, "SELECT body FROM outbox WHERE topic = 'intake.leads' ORDER BY id DESC LIMIT 1")
        event = decode_body(LeadCorrected, body["body"])
        assert (event.lead_id, event.fields) == (survivor, ("phone", "place"))

    async def test_twice_is_once(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        first = await merge(database, survivor, loser, ALL)
        again = await merge(database, survivor, loser, ALL)
        assert again.id == first.id
        assert len(await rows(database, "SELECT 1 FROM merges")) == 1

    async def test_says_nothing_of_the_person_in_the_audit(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await merge(database, survivor, loser, ALL)
        entries = await rows(database, "SELECT subject_id, action, before, after FROM audit_entries ORDER BY id")
        ours = [entry for entry in entries if entry["action"].startswith("merge")]
        assert {entry["action"]: entry["subject_id"] for entry in ours} == {
            "merge_leads": str(survivor),
            "merge_into": str(loser),
        }
        assert not any(value in str(ours) for value in ("Mia", "Cadogan", CONTENT.phone, "Marrickville"))

    async def test_lets_go_of_a_survivor_that_was_held_for_the_loser_alone(self, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, replace(CONTENT, name="Mia OBrien"))
        await merge(couples.database, second, first)
        assert (await couples.status(second), await couples.status(first)) == ("routable", "closed")
        assert [type_ for type_, _ in await couples.events()] == ["lead.created", "lead.closed", "lead.created"]
        assert [pair["state"] for pair in await couples.pairs()] == ["merged"]

    async def test_holds_a_survivor_on_that_another_pair_holds(self, couples: Couples) -> None:
        _, second, third = await couples.leads(CONTENT, CONTENT, CONTENT)
        await merge(couples.database, third, second)
        assert await couples.status(third) == "duplicate_review"

    async def test_of_one_that_nobody_heard_of_tells_nobody_that_it_was_closed(self, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, CONTENT)
        await merge(couples.database, first, second)
        assert await couples.events() == [("lead.created", first)]
        assert await couples.events("intake.lead_deeds") == [("lead.merged", second)]

    async def test_of_two_that_were_never_found_keeps_their_pair(
        self, database: RolledBackDatabase, couples: Couples
    ) -> None:
        one, other = await couples.leads(CONTENT, someone(4))
        await merge(database, one, other)
        (pair,) = await couples.pairs()
        assert (pair["lead_id"], pair["state"], pair["holds"]) == (other, "merged", False)

    @pytest.mark.parametrize("made", ["itself", "tombstone", "elsewhere", "over", "received"])
    async def test_refuses_what_cannot_be_one(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID], made: str
    ) -> None:
        one, other = two
        third = await couples.lead(someone(5))
        match made:
            case "itself":
                other = one
            case "tombstone":
                await merge(database, third, one)
                other = third
            case "elsewhere":
                await merge(database, third, other)
            case "over":
                async with database.transaction() as session:
                    await close_lead(session, CloseLead(one, CloseReason.WITHDRAWN, None, OPERATOR, NOW))
            case "received":
                other = await couples.take(someone(6))
        with pytest.raises(LeadNotMergeable) as refused:
            await merge(database, one, other)
        if made == "elsewhere":
            assert "Robin Field merged it into another lead" in str(refused.value)


class TestUnmergeLead:
    async def test_restores_both_exactly(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await said(database, loser, LeadStatus.DISPATCHING, LeadStatus.EXCEPTION)
        async with database.transaction() as session:
            await session.execute(text("UPDATE leads SET critical_since = status_since WHERE id = :id"), {"id": loser})
        before = [await state_of(database, each) for each in two]
        await merge(database, survivor, loser, ALL)
        await unmerge(database, loser)
        assert [await state_of(database, each) for each in two] == before

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


class TestTheFamily:
    async def test_is_all_that_was_merged_into_it(self, database: RolledBackDatabase, couples: Couples) -> None:
        a, b, c, d = await couples.leads(someone(1), someone(2), someone(3), someone(4))
        await merge(database, b, a)
        await merge(database, c, b)
        async with database.reading() as session:
            assert list(await queries.family_of(session, c)) == [c, b, a]
            assert list(await queries.family_of(session, d)) == [d]


class TestCredits:
    async def test_are_asked_for_what_the_loser_was_charged(
        self, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        made = await merge(database, survivor, loser, credits_=[BRIGHT])
        event = decode_body(LeadCreditsAsked, await last(database))
        (request,) = event.credits
        assert (event.lead_id, event.deed, event.deed_id) == (loser, "merge", made.id)
        assert (request.assignment_id, request.reason_code, request.note) == (
            BRIGHT,
            "duplicate_dispatch",
            "merged: asked_twice",
        )
        (kept,) = await rows(database, "SELECT * FROM credit_requests")
        assert (kept["request_id"], kept["installer_name"], kept["result"]) == (
            request.request_id,
            "Bright Roofs",
            None,
        )

    async def test_are_refused_for_what_is_not_charged(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        for assignment_id, why in ((SUNNY, "nothing is charged for it"), (new_id(), "none of the lead")):
            with pytest.raises(CreditNotPossible, match=why):
                await merge(database, survivor, loser, credits_=[assignment_id])
        assert (await state_of(database, loser))["merged_into"] is None

    async def test_are_not_asked_for_twice(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        await merge(database, survivor, loser, credits_=[BRIGHT])
        await unmerge(database, loser)
        with pytest.raises(CreditNotPossible, match="asked for already"):
            await merge(database, survivor, loser, credits_=[BRIGHT])

    async def test_keep_the_last_answer_in_whatever_order_they_come(
        self, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        await merge(database, survivor, loser, credits_=[BRIGHT])
        (kept,) = await rows(database, "SELECT request_id FROM credit_requests")
        answers = [
            told(
                "delivery.credit_answered",
                version,
                request_id=kept["request_id"],
                assignment_id=BRIGHT,
                lead_id=loser,
                result=result,
            )
            for version, result in ((3, "credited"), (2, "pending_approval"))
        ]
        await take(database, *answers)
        (kept,) = await rows(database, "SELECT result, version FROM credit_requests")
        assert kept == {"result": "credited", "version": 3}

    async def test_that_others_asked_for_are_none_of_ours(self, database: RolledBackDatabase) -> None:
        await take(database, told("delivery.credit_answered", 2, request_id=new_id()))
        assert await rows(database, "SELECT 1 FROM credit_requests") == []

    async def test_stand_after_the_merge_was_taken_apart(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        await merge(database, survivor, loser, credits_=[BRIGHT])
        await unmerge(database, loser)
        assert len(await rows(database, "SELECT 1 FROM credit_requests")) == 1


class TestOverHttp:
    async def test_leads_are_merged_and_unmerged(self, http: Desk, couples: Couples, two: list[UUID]) -> None:
        loser, survivor = two
        body = {"loser_id": str(loser), "take_from_loser": ["phone"], "reason_code": "asked_twice", "reason": "One"}
        merged = await http.ask("POST", f"/admin/leads/{survivor}/merge", json=body)
        assert (merged.status_code, merged.json()["loser_id"]) == (200, str(loser))
        tombstone = await http.get(f"/admin/leads/{loser}")
        assert (tombstone["merged_into"], tombstone["available_actions"]) == (str(survivor), ["unmerge"])
        apart = await http.ask("POST", f"/admin/leads/{loser}/unmerge", json={"reason_code": "operator_error"})
        assert apart.json()["unmerge_reason"] == "operator_error"
        assert await couples.status(loser) == "routable"

    async def test_credits_need_a_second_factor_that_is_fresh(
        self, http: Desk, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        body = {"loser_id": str(loser), "reason_code": "sent_twice", "credits": [str(BRIGHT)]}
        answer = await http.ask("POST", f"/admin/leads/{survivor}/merge-with-credits", json=body)
        assert answer.status_code == 200, answer.text
        assert len(await rows(database, "SELECT 1 FROM credit_requests")) == 1

    async def test_a_correction_asks_for_credits_of_what_was_wrong(
        self, http: Desk, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        lead_id, _ = two
        await tell_all(database, lead_id)
        path = f"/admin/leads/{lead_id}/corrections-with-credits"
        body = {"reason_code": "person_told", "credits": [str(BRIGHT)]}
        nothing = await http.ask("POST", path, json=body | {"name": "Mia Brown"})
        assert nothing.status_code == 409
        right = await http.ask("POST", path, json=body | {"phone": "+61498765432"})
        assert right.status_code == 200, right.text
        (kept,) = await rows(database, "SELECT deed, reason_code FROM credit_requests")
        assert kept == {"deed": "correction", "reason_code": "invalid_contact"}


def test_a_lead_that_was_merged_says_so() -> None:
    assert Lead(merged_into=new_id()).is_merged
    assert not Lead().is_merged
