"""The other services hear of every operator, and of every change, in order."""

import json
from typing import Any

from sqlalchemy import text

from chassis.outbox import unpack_headers
from contracts.identity import Role
from services.identity.commands import operators as commands
from services.identity.commands.enrolments import BeginEnrolment, begin_enrolment, confirm_enrolment
from services.identity.commands.operators import ChangeRole, ForOperator, NewOperator
from services.identity.commands.telling import tell_untold, telling_loop
from services.identity.models import Operator
from tests.identity.house import PASSWORD, Asker, House, Person

WHY = "a change of duties"


async def told(house: House, operator_id: object) -> list[tuple[int, dict[str, Any]]]:
    """What was published of an operator: version and body."""
    query = text("SELECT headers, body FROM outbox WHERE key = :key AND topic = 'identity.operators' ORDER BY id")
    async with house.database.reading() as session:
        found = (await session.execute(query, {"key": str(operator_id).encode()})).all()
    return [
        (int(dict(unpack_headers(row.headers))["ce_aggregateversion"] or b"0"), json.loads(row.body)) for row in found
    ]


async def done(house: House, deed: Any, person: Person, asker: Asker) -> None:
    async with house.database.transaction() as session:
        await deed(session, ForOperator(person.id, WHY), asker, house.security)


class TestTell:
    async def test_of_a_registered_operator_says_who_they_are_and_what_they_may(self, house: House) -> None:
        person = await house.person(Role.EDITOR, "Kim Reed")
        ((version, body),) = await told(house, person.id)
        assert version == 1
        assert body == {
            "operator_id": str(person.id),
            "name": "Kim Reed",
            "email": person.email,
            "capabilities": ["read_ops", "write_routing"],
            "is_active": True,
        }

    async def test_of_an_invited_operator_says_that_they_can_be_given_nothing_until_they_have_enrolled(
        self, house: House
    ) -> None:
        asker = await house.asker()
        async with house.database.transaction() as session:
            new = NewOperator("kim@waybill.example", "Kim Reed", Role.EDITOR)
            row, invitation = await commands.invite_operator(session, new, asker, house.security)
        begun = await begin_enrolment(
            house.database, BeginEnrolment(invitation.token, "eleven grey herons on a wire"), house.security
        )
        kim = Person(row.id, row.email, row.name, begun.uri.split("secret=")[1].split("&")[0], PASSWORD)
        async with house.database.transaction() as session:
            await confirm_enrolment(session, begun.token, kim.code(house.clock), house.security)
        assert [(version, body["is_active"]) for version, body in await told(house, row.id)] == [(1, False), (2, True)]

    async def test_follows_every_change_in_order(self, house: House) -> None:
        asker, person = await house.asker(), await house.person(Role.ADMIN)
        async with house.database.transaction() as session:
            await commands.change_role(session, ChangeRole(person.id, Role.EDITOR, WHY), asker, house.security)
        await done(house, commands.disable_operator, person, asker)
        await done(house, commands.enable_operator, person, asker)
        await done(house, commands.reset_second_factor, person, asker)
        changes = await told(house, person.id)
        assert [version for version, _ in changes] == [1, 2, 3, 4, 5]
        assert [body["is_active"] for _, body in changes] == [True, True, False, True, False]
        assert changes[1][1]["capabilities"] == ["read_ops", "write_routing"]

    async def test_says_nothing_where_nothing_changed(self, house: House) -> None:
        asker, person = await house.asker(), await house.person(Role.ADMIN)
        async with house.database.transaction() as session:
            await commands.change_role(session, ChangeRole(person.id, Role.ADMIN, WHY), asker, house.security)
        await done(house, commands.enable_operator, person, asker)
        assert len(await told(house, person.id)) == 1


class TestTellUntold:
    async def test_tells_once_of_those_who_were_here_before(self, house: House) -> None:
        person = await house.person()
        async with house.database.transaction() as session:
            await session.execute(text("UPDATE operators SET version = 0"))
            await session.execute(text("DELETE FROM outbox"))
            session.expire_all()
        loop = telling_loop(house.database)
        assert [await loop.step(), await loop.step()] == [True, False]
        assert [version for version, _ in await told(house, person.id)] == [1]

    async def test_leaves_alone_who_was_told_of(self, house: House) -> None:
        person = await house.person()
        async with house.database.transaction() as session:
            assert not await tell_untold(session)
            assert (await session.get_one(Operator, person.id)).version == 1
