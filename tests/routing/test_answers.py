""" "Why not me?" over real decisions: by HTTP, and on a page to copy it from."""

from datetime import timedelta

from services.routing.domain.windows import Limits
from tests.routing.arrangements import FREMANTLE, SHARED, Floor, lead, leads
from tests.routing.desk import UNKNOWN, Desk, code_of


class TestOnALead:
    async def test_says_what_was_in_its_way_and_names_nobody_else(self, desk: Desk, floor: Floor) -> None:
        await floor.installer(name="Rival Solar")
        full = await floor.installer(Limits(day=0), name="Full Solar")
        await floor.dispatch(arrived := lead())
        told = await desk.get(f"/admin/leads/{arrived.lead_id}/answers/{full}")
        assert told == {
            "sentences": ["This lead asked for solar battery in 2204 NSW.", "Your cap of the day was full: 0 of 0."]
        }

    async def test_knows_who_got_it_and_who_works_elsewhere(self, desk: Desk, floor: Floor) -> None:
        chosen = await floor.installer()
        await floor.dispatch(here := lead(), there := lead(location=FREMANTLE))
        assert (await desk.get(f"/admin/leads/{here.lead_id}/answers/{chosen}"))["sentences"] == [
            "You were given this lead."
        ]
        assert (await desk.get(f"/admin/leads/{there.lead_id}/answers/{chosen}"))["sentences"] == [
            "This lead was in 6160 WA, which was outside your territory."
        ]

    async def test_refuses_what_is_not_known(self, desk: Desk, floor: Floor) -> None:
        known = await floor.installer()
        await floor.dispatch(arrived := lead())
        for path in (f"{UNKNOWN}/answers/{known}", f"{arrived.lead_id}/answers/{UNKNOWN}"):
            assert (await desk.ask("GET", f"/admin/leads/{path}")).status_code == 404


class TestOnATime:
    async def test_counts_each_lead_once_by_what_became_of_it(self, desk: Desk, floor: Floor) -> None:
        mine = await floor.installer(Limits(day=3), name="Mine")
        await floor.installer(Limits(month=1_000), name="Other")
        await floor.dispatch(*leads(6, SHARED))
        floor.clock.advance(timedelta(days=3))
        await floor.dispatch(*leads(2))
        told = await desk.get(f"/admin/installers/{mine}/answers", **{"from": "2026-03-03", "to": "2026-03-03"})
        assert told["outcomes"] == {"chosen": 3, "cap_day": 3}
        assert told["sentences"] == [
            "Of 6 leads in your area you met every condition for 3 and were given 3.",
            "Of the others: your cap of the day was full for 3.",
        ]

    async def test_refuses_a_time_that_ends_before_it_begins(self, desk: Desk, floor: Floor) -> None:
        mine = await floor.installer()
        path = f"/admin/installers/{mine}/answers?from=2026-03-03&to=2026-03-02"
        answer = await desk.ask("GET", path)
        assert (answer.status_code, code_of(answer)) == (422, "invalid")
