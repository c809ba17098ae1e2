"""Leads that were corrected at their intake, on a real database."""

from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.routing import AssignmentLeadCorrected
from contracts.values import AustralianState, LeadContact, Location
from services.routing.commands.correcting import CorrectLead, correct_leads
from services.routing.commands.exceptions import RetryDispatch, retry_dispatch
from services.routing.domain.person import Person
from services.routing.domain.states import AssignmentStatus
from services.routing.queries.dispatches import contact_of
from tests.routing.arrangements import NOW, ROBIN, SHARED, Floor, lead

RIGHT = LeadContact(name="Mia O'Brien", email="mia@right.example", phone="+61499111222", street="14 Cadogan Street")
NEWTOWN = Location(suburb="Newtown", state=AustralianState.NSW, postcode="2042")


def correction(lead_id: UUID, *fields: str, **changed: Any) -> CorrectLead:
    given: dict[str, Any] = {"contact": None, "sealed_contact": None, "service": None, "location": None}
    return CorrectLead(lead_id=lead_id, correction_id=new_id(), fields=fields, corrected_at=NOW, **(given | changed))


async def correct(floor: Floor, *commands: CorrectLead) -> None:
    async with floor.database.transaction() as session:
        await correct_leads(session, commands)


async def contact(floor: Floor, lead_id: UUID) -> Person | None:
    async with floor.database.reading() as session:
        return await contact_of(session, lead_id)


async def likenesses(floor: Floor) -> set[frozenset[UUID]]:
    found = await floor.rows("SELECT lead_id, other_lead_id FROM lead_links WHERE kind = 'same_person'")
    return {frozenset((row["lead_id"], row["other_lead_id"])) for row in found}


class TestWhoIsTheSamePerson:
    async def test_is_who_has_what_it_says_now(self, floor: Floor) -> None:
        """Whichever of the two had told it before; and what says nothing of them changes nothing."""
        await floor.installers(3)
        await floor.dispatch(wrong := lead(), right := lead())
        await floor.dispatch(arrived := lead(same_person_lead_ids=(wrong.lead_id,)))
        await floor.dispatch(later := lead(same_person_lead_ids=(arrived.lead_id, wrong.lead_id)))
        one, others = arrived.lead_id, (wrong.lead_id, later.lead_id)
        await correct(floor, correction(one, "service", service="heat-pump"))
        assert await likenesses(floor) == {frozenset((one, each)) for each in others} | {frozenset(others)}
        await correct(floor, correction(one, "phone", contact=RIGHT, same_person_lead_ids=(right.lead_id,)))
        assert await likenesses(floor) == {frozenset((one, right.lead_id)), frozenset(others)}

    async def test_keeps_the_lead_from_who_has_had_them(self, floor: Floor) -> None:
        """It waits in the queue, and is corrected to what somebody bought already."""
        await floor.dispatch(waits := lead())
        had = await floor.installer()
        await floor.dispatch(bought := lead())
        await correct(floor, correction(waits.lead_id, "phone", contact=RIGHT, same_person_lead_ids=(bought.lead_id,)))
        async with floor.database.transaction() as session:
            item = await floor.only_exception()
            await retry_dispatch(session, RetryDispatch(item.id, ROBIN), floor.clock.now())
        assert await floor.given() == {had: 1}


class TestContact:
    async def test_is_right_for_who_gets_the_lead_next_and_told_to_who_has_it(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        given = correction(arrived.lead_id, "phone", contact=RIGHT)
        await correct(floor, given)
        assert await contact(floor, arrived.lead_id) == Person(RIGHT, None)
        [event] = await floor.events("assignment.lead_corrected")
        assert isinstance(event, AssignmentLeadCorrected)
        assert (event.assignment_id, event.installer_id, event.contact) == (made.id, installer_id, RIGHT)
        assert (event.fields, event.correction_id) == (("phone",), given.correction_id)
        assert (event.service, event.location) == (arrived.service, arrived.location)
        assert (await floor.only_assignment()).version == 3

    async def test_is_told_to_everyone_who_has_it_or_is_about_to(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(arrived := lead(SHARED))
        first, second, third = await floor.assignments()
        await floor.deliver(first.id)
        await floor.refuse_mail(second.id)
        await correct(floor, correction(arrived.lead_id, "phone", contact=RIGHT))
        told = {event.assignment_id for event in await floor.events("assignment.lead_corrected")}  # type: ignore[attr-defined]
        assert told == {first.id, third.id}

    async def test_of_a_person_who_was_erased_stays_gone(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        async with floor.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("DELETE FROM lead_contacts")
        await correct(floor, correction(arrived.lead_id, "phone", contact=RIGHT))
        assert await contact(floor, arrived.lead_id) is None


class TestPlaceAndService:
    async def test_change_what_is_looked_for_while_nobody_has_it(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        await correct(floor, correction(arrived.lead_id, "place", "service", location=NEWTOWN, service="heat-pump"))
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.location, dispatch.service) == (NEWTOWN, "heat-pump")
        assert await floor.events("assignment.lead_corrected") == []

    async def test_are_told_but_not_looked_for_anew_once_somebody_has_it(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await correct(floor, correction(arrived.lead_id, "place", location=NEWTOWN))
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert dispatch.location == arrived.location
        [event] = await floor.events("assignment.lead_corrected")
        assert (event.location, event.contact) == (NEWTOWN, None)  # type: ignore[attr-defined]
        assert (await floor.only_assignment()).status is AssignmentStatus.PENDING

    async def test_a_lead_that_was_never_let_in_is_passed_over(self, floor: Floor) -> None:
        await correct(floor, correction(new_id(), "place", location=NEWTOWN))

    async def test_corrections_of_one_lead_apply_in_their_order(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        await correct(
            floor,
            correction(arrived.lead_id, "service", service="heat-pump"),
            correction(arrived.lead_id, "service", service="solar"),
        )
        assert (await floor.dispatch_of(arrived.lead_id)).service == "solar"
