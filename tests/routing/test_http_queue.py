"""The exception queue over HTTP: who has what, what sleeps, what is refused, and narrowing the list to it."""

from datetime import timedelta

from chassis.ids import new_id
from services.routing.commands.owning import ClaimException, claim_exception
from services.routing.domain.states import Resolution
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, Floor, Person, lead
from tests.routing.desk import Desk, code_of

QUEUE = "/admin/dispatch-exceptions"
HOUR = timedelta(hours=1)
SAM = Person(new_id(), "Sam Reed")


async def item_of(floor: Floor) -> str:
    await floor.dispatch(lead(location=FREMANTLE))
    return f"{QUEUE}/{(await floor.only_exception()).id}"


class TestDeeds:
    async def test_claims_hands_over_and_lets_go(self, floor: Floor, desk: Desk) -> None:
        await floor.operator(SAM)
        item = await item_of(floor)
        claimed = (await desk.ask("POST", f"{item}/claim")).json()["item"]
        assert claimed["owner_name"]
        assert claimed["available_actions"] == [
            "assign",
            "retry",
            "resolve",
            "hand-over",
            "unassign",
            "snooze",
            "reject",
        ]
        wordless = await desk.ask("POST", f"{item}/hand-over", {"owner_id": str(SAM.id)})
        assert (wordless.status_code, code_of(wordless)) == (422, "hand_over_needs_note")
        told = await desk.ask("POST", f"{item}/hand-over", {"owner_id": str(SAM.id), "note": "rang twice"})
        assert told.json()["item"]["owner_name"] == "Sam Reed"
        free = (await desk.ask("POST", f"{item}/unassign", {})).json()["item"]
        assert (free["owner_id"], free["is_late"]) == (None, False)

    async def test_snoozes_wakes_and_rejects(self, floor: Floor, desk: Desk) -> None:
        item = await item_of(floor)
        body = {"until": (NOW + HOUR).isoformat(), "note": "rings back"}
        snoozed = (await desk.ask("POST", f"{item}/snooze", body)).json()["item"]
        assert {"wake", "snooze"} & set(snoozed["available_actions"]) == {"wake"}
        later = await desk.ask("POST", f"{item}/snooze", body | {"until": (NOW + 2 * HOUR).isoformat()})
        assert (later.status_code, code_of(later)) == (409, "exception_snoozed")
        assert (await desk.ask("POST", f"{item}/wake")).json()["item"]["snoozed_until"] is None
        told = (await desk.ask("POST", f"{item}/reject", {"reason": "unplaceable"})).json()
        assert (told["item"]["resolution"], told["item"]["available_actions"]) == (Resolution.REJECTED, [])
        assert code_of(await desk.ask("POST", f"{item}/claim")) == "exception_resolved"

    async def test_refuses_a_reason_that_intake_does_not_have(self, floor: Floor, desk: Desk) -> None:
        answer = await desk.ask("POST", f"{await item_of(floor)}/reject", {"reason": "no_answer"})
        assert answer.status_code == 422


class TestNarrowing:
    async def test_by_owner_kind_sleep_and_what_is_due(self, floor: Floor, desk: Desk) -> None:
        await floor.installer()
        await floor.dispatch(lead(location=FREMANTLE), lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        expected, alarming = await floor.exceptions(is_open=True)
        async with floor.database.transaction() as session:
            await claim_exception(session, ClaimException(alarming.id, ROBIN), NOW)

        async def found(**wanted: object) -> list[str]:
            return [each["id"] for each in await desk.items(QUEUE, **wanted)]

        both = [str(expected.id), str(alarming.id)]
        assert await found(kind="expected") == both[:1]
        assert await found(kind="alarming") == both[1:]
        assert await found(owner_id=str(ROBIN.id)) == both[1:]
        assert await found(unowned="true") == both[:1]
        assert await found(unowned="false") == both[1:]
        assert await found(due="true") == []
        floor.clock.advance(HOUR)
        assert await found(due="true") == both[1:]
        snooze = {"until": (NOW + 3 * HOUR).isoformat(), "note": "at noon"}
        assert (await desk.ask("POST", f"{QUEUE}/{alarming.id}/snooze", snooze)).status_code == 200
        assert await found(snoozed="true") == both[1:]
        assert await found(snoozed="false") == both[:1]
        assert await found(due="true") == []

    async def test_says_what_is_nobodys_past_its_limit(self, floor: Floor, desk: Desk) -> None:
        item = await item_of(floor)
        floor.clock.advance(8 * HOUR)
        told = (await desk.get(item))["item"]
        assert (told["is_late"], told["kind"], told["next_retry_at"]) == (True, "expected", None)
