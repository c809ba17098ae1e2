"""Credits for installers who paid for what was one lead, or wrong: asked for with the deed, answered by billing."""

from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.envelope import decode_body
from contracts.identity import Role
from contracts.intake import LeadCreditsAsked
from services.intake.commands.crediting_later import AskCreditsLater, ask_credits_later
from services.intake.errors import CreditNotPossible
from tests.intake.couples import Couples
from tests.intake.desk import Desk
from tests.intake.merges import LATER, last, merge, state_of, unmerge
from tests.intake.samples import OPERATOR, rows, someone
from tests.intake.telling import BRIGHT, SUNNY, take, tell_all, told
from tests.kit.databases import RolledBackDatabase


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

    async def test_are_asked_for_of_what_was_merged_into_the_loser_before(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        first, second = two
        third = await couples.lead(someone(3))
        await tell_all(database, first)
        await merge(database, second, first)
        made = await merge(database, third, second, credits_=[BRIGHT])
        event = decode_body(LeadCreditsAsked, await last(database))
        assert (event.lead_id, event.deed_id) == (second, made.id)
        assert [request.assignment_id for request in event.credits] == [BRIGHT]
        (kept,) = await rows(database, "SELECT lead_id, deed_id FROM credit_requests")
        assert kept == {"lead_id": first, "deed_id": made.id}


async def ask_later(database: RolledBackDatabase, lead_id: UUID, *assignments: UUID) -> list[UUID]:
    """The assignments whose credits stand because of the deed."""
    command = AskCreditsLater(lead_id, assignments, "Finance was told late", OPERATOR, LATER)
    async with database.transaction() as session:
        return [each.assignment_id for each in await ask_credits_later(session, command)]


class TestLater:
    async def test_a_merge_that_stands_asks_for_what_nobody_asked_for(
        self, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        made = await merge(database, survivor, loser)
        again = await merge(database, survivor, loser, credits_=[BRIGHT])
        third = await merge(database, survivor, loser, credits_=[BRIGHT])
        assert {again.id, third.id} == {made.id}
        (kept,) = await rows(database, "SELECT deed, deed_id, reason_code FROM credit_requests")
        assert kept == {"deed": "merge", "deed_id": made.id, "reason_code": "duplicate_dispatch"}
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'ask_credits'")
        assert (entry["subject_id"], entry["reason_code"]) == (str(loser), "asked_twice")
        assert entry["before"] == {"credits_asked_for": []}
        assert entry["after"]["credits_asked_for"] == [str(BRIGHT)]

    async def test_is_for_what_a_deed_gives_a_reason_for(self, database: RolledBackDatabase, two: list[UUID]) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        with pytest.raises(CreditNotPossible, match="neither merged into another, nor corrected"):
            await ask_later(database, loser, BRIGHT)
        await merge(database, survivor, loser)
        with pytest.raises(CreditNotPossible, match="nothing is charged for it"):
            await ask_later(database, loser, BRIGHT, SUNNY)
        assert await rows(database, "SELECT 1 FROM credit_requests") == []
        assert await ask_later(database, loser, BRIGHT) == [BRIGHT]
        assert await ask_later(database, loser, BRIGHT) == [BRIGHT]
        assert len(await rows(database, "SELECT 1 FROM credit_requests")) == 1
        assert len(await rows(database, "SELECT 1 FROM audit_entries WHERE action = 'ask_credits'")) == 1

    async def test_is_once_for_a_family_whoever_asks(
        self, database: RolledBackDatabase, couples: Couples, two: list[UUID]
    ) -> None:
        first, second = two
        third = await couples.lead(someone(3))
        await tell_all(database, first)
        await merge(database, second, first)
        await merge(database, third, second)
        assert await ask_later(database, first, BRIGHT) == [BRIGHT]
        with pytest.raises(CreditNotPossible, match="asked for already"):
            await ask_later(database, second, BRIGHT)


class TestOverHttp:
    async def test_credits_need_a_second_factor_that_is_fresh(
        self, http: Desk, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        body = {"loser_id": str(loser), "reason_code": "sent_twice", "credits": [str(BRIGHT)]}
        answer = await http.ask("POST", f"/admin/leads/{survivor}/merge-with-credits", json=body)
        assert answer.status_code == 200, answer.text
        assert len(await rows(database, "SELECT 1 FROM credit_requests")) == 1
        told_ = await http.get(f"/admin/leads/{survivor}")
        (merged,), (credit,) = told_["merges"], told_["credits"]
        assert (merged["id"], merged["loser_id"]) == (credit["deed_id"], str(loser))
        assert (credit["assignment_id"], credit["reason_code"], credit["result"]) == (
            str(BRIGHT),
            "duplicate_dispatch",
            None,
        )
        assert [each["lead_id"] for each in told_["assignments"]] == [str(loser)] * 2

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

    async def test_what_was_right_already_is_credited_for_the_correction_that_stands(
        self, http: Desk, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        lead_id, _ = two
        await tell_all(database, lead_id)
        path = f"/admin/leads/{lead_id}/corrections"
        right = {"reason_code": "person_told", "phone": "+61498765432"}
        asking = right | {"credits": [str(BRIGHT)]}
        standing = await http.ask("POST", f"{path}-with-credits", json=asking | {"phone": "+61412345678"})
        assert (standing.status_code, standing.json()["type"].rpartition(":")[2]) == (409, "credit_not_possible")
        assert (await http.ask("POST", path, json=right)).status_code == 200
        for _ in range(2):
            answer = await http.ask("POST", f"{path}-with-credits", json=asking)
            assert answer.status_code == 200, answer.text
        (kept,) = await rows(
            database,
            "SELECT asked.deed, asked.reason_code FROM credit_requests AS asked JOIN lead_corrections ON id = deed_id",
        )
        assert kept == {"deed": "correction", "reason_code": "invalid_contact"}

    async def test_credits_are_asked_for_after_the_deed(
        self, http: Desk, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        loser, survivor = two
        await tell_all(database, loser)
        await merge(database, survivor, loser)
        path, body = f"/admin/leads/{loser}/credits", {"credits": [str(BRIGHT)], "reason": "Finance was told late"}
        assert (await http.ask("POST", path, role=Role.EDITOR, json=body)).status_code == 403
        assert (await http.ask("POST", path, json=body | {"credits": []})).status_code == 422
        answer = await http.ask("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        (row,) = answer.json()
        assert (row["assignment_id"], row["deed"], row["reason_code"], row["result"]) == (
            str(BRIGHT),
            "merge",
            "duplicate_dispatch",
            None,
        )

    async def test_who_got_it_after_it_was_corrected_is_not_credited_for_it(
        self, http: Desk, database: RolledBackDatabase, two: list[UUID]
    ) -> None:
        lead_id, _ = two
        right = {"reason_code": "person_told", "phone": "+61498765432"}
        assert (await http.ask("POST", f"/admin/leads/{lead_id}/corrections", json=right)).status_code == 200
        await tell_all(database, lead_id)
        async with database.transaction() as session:
            await session.execute(text("UPDATE lead_assignments SET created_at = :at"), {"at": LATER})
        body = {"credits": [str(BRIGHT)], "reason": "Finance was told late"}
        answer = await http.ask("POST", f"/admin/leads/{lead_id}/credits", json=body)
        assert (answer.status_code, "after it was corrected" in answer.json()["detail"]) == (409, True)
