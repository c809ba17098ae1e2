"""Hours, absences and shares as commands set them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.ids import new_id
from contracts.routing import InstallerChanged
from contracts.values import AustralianState
from services.routing.commands.absences import AddAbsence, EndAbsence, add_absence, end_absence
from services.routing.commands.hours import SetHours, SetShareWeight, set_hours, set_share_weight
from services.routing.domain.states import AbsenceKind
from services.routing.errors import AbsenceExists, AbsenceIsOver, AbsenceOverlaps, NoSuchAbsence
from services.routing.models import InstallerAbsence
from tests.routing.arrangements import NOW, ROBIN, Floor

DAY = timedelta(days=1)
WEEKDAYS = [[day, 420, 1080] for day in range(5)]


async def away(
    floor: Floor, installer_id: UUID, starts_at: datetime | None = NOW, ends_at: datetime | None = None, **changes: Any
) -> InstallerAbsence:
    command = AddAbsence(new_id(), installer_id, AbsenceKind.PAUSE, starts_at, ends_at, "crew on leave", ROBIN)
    async with floor.database.transaction() as session:
        return await add_absence(session, replace(command, **changes), floor.clock.now())


async def back(floor: Floor, installer_id: UUID, absence_id: UUID) -> None:
    async with floor.database.transaction() as session:
        await end_absence(session, EndAbsence(installer_id, absence_id, "back early", ROBIN), floor.clock.now())


async def profile(floor: Floor) -> dict[str, Any]:
    rows = await floor.rows("SELECT profile FROM installer_versions ORDER BY version DESC LIMIT 1")
    told: dict[str, Any] = rows[0]["profile"]
    return told


async def audited(floor: Floor, action: str) -> dict[str, Any]:
    [row] = await floor.rows(
        "SELECT before, after, reason_text, actor_name FROM audit_entries WHERE action = :action", action=action
    )
    return row


class TestSetHours:
    async def test_is_told_audited_and_a_version_once(self, floor: Floor) -> None:
        id_ = await floor.installer()
        command = SetHours(id_, WEEKDAYS, AustralianState.NSW, True, ROBIN, "as they asked")
        for _ in range(2):
            async with floor.database.transaction() as session:
                await set_hours(session, command, NOW)
        assert len(await floor.events(InstallerChanged.type)) == 2
        assert await audited(floor, "set_hours") == {
            "before": {"hours": "always", "home_state": None, "keeps_public_holidays": False},
            "after": {"hours": "Mon-Fri 7:00-18:00", "home_state": "NSW", "keeps_public_holidays": True},
            "reason_text": "as they asked",
            "actor_name": "Robin Field",
        }
        told = await profile(floor)
        assert (told["hours"], told["home_state"], told["keeps_public_holidays"]) == (WEEKDAYS, "NSW", True)

    async def test_no_hours_at_all_are_never(self, floor: Floor) -> None:
        id_ = await floor.installer()
        async with floor.database.transaction() as session:
            await set_hours(session, SetHours(id_, [], None, False, ROBIN), NOW)
        assert (await audited(floor, "set_hours"))["after"] == {"hours": "never"}
        assert (await profile(floor))["hours"] == []


class TestSetShareWeight:
    async def test_is_audited_and_a_version_once(self, floor: Floor) -> None:
        id_ = await floor.installer()
        for _ in range(2):
            async with floor.database.transaction() as session:
                await set_share_weight(session, SetShareWeight(id_, 40, ROBIN, "two crews more"), NOW)
        told = await audited(floor, "set_share_weight")
        assert (told["before"], told["after"], told["reason_text"]) == (
            {"share_weight": None},
            {"share_weight": 40},
            "two crews more",
        )
        assert (await profile(floor))["share_weight"] == 40


class TestAddAbsence:
    async def test_is_told_audited_and_a_version(self, floor: Floor) -> None:
        id_ = await floor.installer()
        await away(floor, id_, NOW + DAY, NOW + 3 * DAY, kind=AbsenceKind.HOLIDAY)
        assert len(await floor.events(InstallerChanged.type)) == 2
        told = await audited(floor, "add_absence")
        assert (told["before"], told["reason_text"]) == (None, "crew on leave")
        assert told["after"]["kind"] == "holiday"
        [kept] = (await profile(floor))["absences"]
        assert kept["starts_at"] == (NOW + DAY).isoformat()

    async def test_twice_with_one_id_adds_one_and_refuses_other_content(self, floor: Floor) -> None:
        id_, same = await floor.installer(), new_id()
        first = await away(floor, id_, None, absence_id=same)
        floor.clock.advance(timedelta(minutes=1))
        assert (await away(floor, id_, None, absence_id=same)).starts_at == first.starts_at
        with pytest.raises(AbsenceExists):
            await away(floor, id_, None, NOW + DAY, absence_id=same)
        assert (await floor.audited()).count("add_absence") == 1

    async def test_begins_now_at_the_earliest(self, floor: Floor) -> None:
        assert (await away(floor, await floor.installer(), NOW - DAY, NOW + DAY)).starts_at == NOW

    @pytest.mark.parametrize(
        ("starts", "ends"), [(0, 2), (1, None), (2, 3), (0, None), (2.5, 4)], ids=lambda days: f"{days}"
    )
    async def test_refuses_what_overlaps(self, floor: Floor, starts: float, ends: float | None) -> None:
        id_ = await floor.installer()
        await away(floor, id_, NOW + DAY, NOW + 3 * DAY)
        with pytest.raises(AbsenceOverlaps):
            await away(floor, id_, NOW + starts * DAY, None if ends is None else NOW + ends * DAY)

    async def test_one_may_begin_as_another_ends(self, floor: Floor) -> None:
        id_ = await floor.installer()
        await away(floor, id_, NOW + DAY, NOW + 3 * DAY)
        await away(floor, id_, NOW + 3 * DAY)
        await away(floor, id_, NOW, NOW + DAY)
        assert len((await profile(floor))["absences"]) == 3

    async def test_what_was_cut_short_leaves_its_time_to_others(self, floor: Floor) -> None:
        id_ = await floor.installer()
        called_off = await away(floor, id_, NOW + DAY)
        await back(floor, id_, called_off.id)
        await away(floor, id_, NOW + DAY, NOW + 2 * DAY)

    async def test_refuses_what_would_be_over_already(self, floor: Floor) -> None:
        with pytest.raises(AbsenceIsOver):
            await away(floor, await floor.installer(), NOW - 2 * DAY, NOW)


class TestEndAbsence:
    async def test_ends_it_now_once_and_keeps_it(self, floor: Floor) -> None:
        id_ = await floor.installer()
        running = await away(floor, id_, NOW, NOW + 9 * DAY)
        floor.clock.advance(DAY)
        for _ in range(2):
            await back(floor, id_, running.id)
        told = await audited(floor, "end_absence")
        assert told["reason_text"] == "back early"
        assert datetime.fromisoformat(told["after"]["ends_at"]) == NOW + DAY
        assert (await profile(floor))["absences"] == []
        assert await floor.rows("SELECT ended_at FROM installer_absences") == [{"ended_at": NOW + DAY}]

    async def test_refuses_what_is_over_by_itself(self, floor: Floor) -> None:
        id_ = await floor.installer()
        past = await away(floor, id_, NOW, NOW + DAY)
        floor.clock.advance(DAY)
        with pytest.raises(AbsenceIsOver):
            await back(floor, id_, past.id)

    async def test_knows_the_installers_own_alone(self, floor: Floor) -> None:
        id_, other = await floor.installer(), await floor.installer(name="Other")
        running = await away(floor, id_)
        with pytest.raises(NoSuchAbsence):
            await back(floor, other, running.id)
