"""Two leads that are made one: fields, tombstone, pair, and what the others hear."""

from dataclasses import replace
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.envelope import decode_body
from contracts.intake import LeadCorrected, LeadMerged
from services.intake import queries
from services.intake.commands.leads.closing import CloseLead, close_lead
from services.intake.domain import CloseReason
from services.intake.domain.corrections import Correctable
from services.intake.errors import LeadNotMergeable
from services.intake.models import Lead
from tests.intake.couples import Couples
from tests.intake.desk import Desk
from tests.intake.merges import ALL, TWIN, last, merge, state_of
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, someone
from tests.kit.databases import RolledBackDatabase


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
        (into,) = [entry for entry in ours if entry["action"] == "merge_into"]
        assert into["before"] == {"status": "routable", "merged_into_lead_id": None}
        assert (into["after"]["status"], into["after"]["merged_into_lead_id"]) == ("closed", str(survivor))

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


class TestTheFamily:
    async def test_is_all_that_was_merged_into_it(self, database: RolledBackDatabase, couples: Couples) -> None:
        a, b, c, d = await couples.leads(someone(1), someone(2), someone(3), someone(4))
        await merge(database, b, a)
        await merge(database, c, b)
        async with database.reading() as session:
            assert list(await queries.family_of(session, c)) == [c, b, a]
            assert list(await queries.family_of(session, d)) == [d]


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


def test_a_lead_that_was_merged_says_so() -> None:
    assert Lead(merged_into=new_id()).is_merged
    assert not Lead().is_merged
