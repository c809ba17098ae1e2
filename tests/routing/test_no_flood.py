"""Whoever comes back from a holiday or a pause, or opens again, gets its part: nothing is made up for."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.values import AustralianState
from services.routing.commands.absences import AddAbsence, EndAbsence, add_absence, end_absence
from services.routing.commands.hours import SetHours, SetShareWeight, set_hours, set_share_weight
from services.routing.domain.states import AbsenceKind
from tests.routing.arrangements import NOW, ROBIN, Floor, lead

DAY = timedelta(days=1)


async def go_away(floor: Floor, installer_id: UUID, until: datetime | None) -> UUID:
    kind = AbsenceKind.PAUSE if until is None else AbsenceKind.HOLIDAY
    command = AddAbsence(new_id(), installer_id, kind, None, until, "crew on leave", ROBIN)
    async with floor.database.transaction() as session:
        return (await add_absence(session, command, floor.clock.now())).id


async def given(floor: Floor, number: int) -> list[UUID]:
    """Who gets the next leads, one after the other."""
    before = len(await floor.assignments())
    for _ in range(number):
        floor.clock.advance(timedelta(minutes=1))
        await floor.dispatch(lead(received_at=floor.clock.now()))
    return [made.installer_id for made in (await floor.assignments())[before:]]


class TestComingBack:
    @pytest.mark.parametrize("by_itself", [True, False])
    async def test_brings_no_run_of_leads(self, floor: Floor, by_itself: bool) -> None:
        gone, stayed = await floor.installers(2)
        absence_id = await go_away(floor, gone, NOW + DAY if by_itself else None)
        assert set(await given(floor, 12)) == {stayed}
        floor.clock.instant = NOW + DAY
        if not by_itself:
            async with floor.database.transaction() as session:
                await end_absence(session, EndAbsence(gone, absence_id, "back early", ROBIN), floor.clock.now())
        after = await given(floor, 8)
        assert (after.count(gone), after.count(stayed)) == (4, 4)
        assert all(set(after[at : at + 3]) == {gone, stayed} for at in range(6))


class TestHours:
    async def test_outside_them_a_lead_goes_to_whoever_is_open(self, floor: Floor) -> None:
        closed, always = await floor.installers(2)
        async with floor.database.transaction() as session:
            await set_hours(session, SetHours(closed, [[0, 420, 1080]], None, False, ROBIN), NOW)
        assert set(await given(floor, 3)) == {always}

    async def test_a_public_holiday_is_kept_by_who_says_so(self, floor: Floor) -> None:
        """9 March 2026 is Labour Day in Victoria; it is noon of it in Sydney and in Melbourne."""
        keeps, works = await floor.installers(2)
        async with floor.database.transaction() as session:
            await set_hours(session, SetHours(keeps, None, AustralianState.VIC, True, ROBIN), NOW)
            await set_hours(session, SetHours(works, None, AustralianState.VIC, False, ROBIN), NOW)
        floor.clock.instant = NOW + 6 * DAY
        assert set(await given(floor, 3)) == {works}


class TestShare:
    async def test_twice_the_weight_is_twice_the_leads(self, floor: Floor) -> None:
        large, small = await floor.installers(2)
        async with floor.database.transaction() as session:
            await set_share_weight(session, SetShareWeight(large, 40, ROBIN), NOW)
            await set_share_weight(session, SetShareWeight(small, 20, ROBIN), NOW)
        got = await given(floor, 9)
        assert (got.count(large), got.count(small)) == (6, 3)
