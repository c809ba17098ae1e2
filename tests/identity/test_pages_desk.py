"""What identity tells of itself: operators that are found, invitations that run out."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from chassis.console.desk import find, read_today
from chassis.http.auth import Operator as Asking
from chassis.ids import new_id
from contracts.identity import Capability, Role
from services.identity.commands import operators
from services.identity.commands.operators import ForOperator
from services.identity.models import Enrolment
from services.identity.pages.desk import DESK
from tests.identity.house import House
from tests.identity.test_commands_credentials import invite

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 3, tzinfo=UTC)


def asking(*capabilities: Capability) -> Asking:
    return Asking(new_id(), "Robin Field", new_id(), frozenset(capabilities), NOW)


class TestFinder:
    async def test_finds_by_name_e_mail_and_id(self, house: House) -> None:
        person = await house.person(Role.EDITOR, "Sam 100% Hale")
        await house.person(Role.EDITOR, "Kim Lee")
        for text in ("100% h", person.email.upper(), str(person.id)):
            async with house.database.reading() as session:
                found = await find(DESK, asking(Capability.MANAGE_ADMIN_ACCESS), session, text)
            assert [hit.title for each in found for hit in each.hits] == ["Sam 100% Hale"]

    async def test_finds_nobody_for_who_does_not_manage_access(self, house: House) -> None:
        person = await house.person()
        async with house.database.reading() as session:
            assert await find(DESK, asking(Capability.READ_OPS), session, person.email) == []


class TestInvitations:
    async def waiting(self, house: House) -> list[str]:
        async with house.database.reading() as session:
            today = await read_today(DESK, asking(Capability.MANAGE_ADMIN_ACCESS), session, NOW)
        return [call.sentence for call in today.calls]

    async def test_wait_from_a_day_before_they_run_out_until_there_is_another(self, house: House) -> None:
        row, _ = await invite(house)
        assert await self.waiting(house) == []
        soon = datetime.now(UTC) + timedelta(hours=23)
        for change in (update(Enrolment).values(expires_at=soon), delete(Enrolment)):
            async with house.database.transaction() as session:
                await session.execute(change)
            assert await self.waiting(house) == ["1 invitation has run out or does within a day"]
        asker = await house.asker()
        async with house.database.transaction() as session:
            command = ForOperator(row.id, "it ran out")
            await operators.reset_second_factor(session, command, asker, house.security)
        assert await self.waiting(house) == []

    async def test_of_who_is_disabled_do_not_wait(self, house: House) -> None:
        row, _ = await invite(house)
        asker = await house.asker()
        async with house.database.transaction() as session:
            await operators.disable_operator(session, ForOperator(row.id, "left"), asker, house.security)
        assert await self.waiting(house) == []
