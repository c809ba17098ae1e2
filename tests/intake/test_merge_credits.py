"""Credits for installers who paid for what was one lead, or wrong: asked for with the deed, answered by billing."""

from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.envelope import decode_body
from contracts.intake import LeadCreditsAsked
from services.intake.errors import CreditNotPossible
from tests.intake.couples import Couples
from tests.intake.desk import Desk
from tests.intake.merges import last, merge, state_of, unmerge
from tests.intake.samples import rows
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
