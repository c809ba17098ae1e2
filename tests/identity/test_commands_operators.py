"""Who may come in, and who says so."""

from uuid import UUID

import pytest
from sqlalchemy import Row, select

from chassis.audit import audit_entries
from chassis.errors import Invalid, NotFound
from chassis.ids import new_id
from contracts.identity import Role
from services.identity.commands import operators as commands
from services.identity.commands.operators import ChangeRole, ForOperator, NewOperator, RevokeSessions
from services.identity.commands.sessions import end_session
from services.identity.domain import OperatorStatus
from services.identity.errors import (
    InvalidCredentials,
    LastSuperAdmin,
    OperatorDisabled,
    OperatorExists,
    OwnAccount,
    SessionEnded,
)
from tests.identity.house import Asker, House, asker_of

WHY = "a change of duties"


async def audited(house: House, action: str) -> list[Row[tuple[object, ...]]]:
    async with house.database.reading() as session:
        return list((await session.execute(select(audit_entries).where(audit_entries.c.action == action))).all())


async def change_role(house: House, operator_id: UUID, role: Role, asker: Asker) -> None:
    async with house.database.transaction() as session:
        await commands.change_role(session, ChangeRole(operator_id, role, WHY), asker, house.security)


async def disable(house: House, operator_id: UUID, asker: Asker) -> None:
    async with house.database.transaction() as session:
        await commands.disable_operator(session, ForOperator(operator_id, WHY), asker, house.security)


class TestInviteOperator:
    async def test_makes_an_operator_who_cannot_sign_in_yet(self, house: House) -> None:
        asker = await house.asker()
        new = NewOperator("Kim@Waybill.example", "Kim Reed", Role.EDITOR)
        async with house.database.transaction() as session:
            row, invitation = await commands.invite_operator(session, new, asker, house.security)
        assert (row.email, row.status) == ("kim@waybill.example", OperatorStatus.INVITED)
        assert len(invitation.token) >= 43
        (entry,) = (each for each in await audited(house, "create_operator") if each.subject_id == str(row.id))
        assert (entry.actor_id, entry.after) == (asker.id, {"name": "Kim Reed", "role": "editor"})

    async def test_refuses_an_email_that_an_operator_has(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        with pytest.raises(OperatorExists):
            async with house.database.transaction() as session:
                new = NewOperator(person.email.upper(), "Kim Reed", Role.EDITOR)
                await commands.invite_operator(session, new, asker, house.security)

    async def test_refuses_what_is_no_email(self, house: House) -> None:
        asker = await house.asker()
        with pytest.raises(Invalid):
            async with house.database.transaction() as session:
                new = NewOperator("nothing", "Kim Reed", Role.EDITOR)
                await commands.invite_operator(session, new, asker, house.security)

    async def test_refuses_an_asker_whose_session_has_ended(self, house: House) -> None:
        asker = await house.asker()
        async with house.database.transaction() as session:
            await end_session(session, asker, house.security)
        with pytest.raises(SessionEnded):
            async with house.database.transaction() as session:
                new = NewOperator("kim@waybill.example", "Kim Reed", Role.EDITOR)
                await commands.invite_operator(session, new, asker, house.security)


class TestChangeRole:
    async def test_changes_it_and_ends_the_sessions_of_the_old_one(self, house: House) -> None:
        asker = await house.asker()
        granted = await house.sign_in(await house.person(Role.EDITOR))
        await change_role(house, granted.operator.id, Role.ADMIN, asker)
        assert (await house.row(granted.operator.id)).role == Role.ADMIN
        assert not await house.is_live(granted)
        (entry,) = await audited(house, "change_role")
        assert (entry.before, entry.reason_text) == ({"role": "editor"}, WHY)
        assert entry.after == {"role": "admin", "sessions_ended": 1}

    async def test_the_same_role_again_changes_nothing(self, house: House) -> None:
        asker = await house.asker()
        granted = await house.sign_in(await house.person(Role.EDITOR))
        await change_role(house, granted.operator.id, Role.EDITOR, asker)
        assert await house.is_live(granted)

    async def test_refuses_to_take_the_role_of_the_last_super_admin(self, house: House) -> None:
        asker = await house.asker()
        with pytest.raises(LastSuperAdmin):
            await change_role(house, asker.id, Role.ADMIN, asker)

    async def test_one_who_cannot_sign_in_does_not_count_as_another(self, house: House) -> None:
        asker = await house.asker()
        other = await house.person(Role.SUPER_ADMIN)
        await disable(house, other.id, asker)
        async with house.database.transaction() as session:
            new = NewOperator("kim@waybill.example", "Kim Reed", Role.SUPER_ADMIN)
            await commands.invite_operator(session, new, asker, house.security)
        with pytest.raises(LastSuperAdmin):
            await change_role(house, asker.id, Role.ADMIN, asker)

    async def test_lets_a_super_admin_step_down_while_there_is_another(self, house: House) -> None:
        asker = await house.asker()
        await house.person(Role.SUPER_ADMIN)
        await change_role(house, asker.id, Role.ADMIN, asker)
        assert not await house.is_live(asker)

    async def test_refuses_an_unknown_operator(self, house: House) -> None:
        with pytest.raises(NotFound):
            await change_role(house, new_id(), Role.ADMIN, await house.asker())


class TestDisableOperator:
    async def test_ends_the_sessions_and_lets_nobody_in(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        granted = await house.sign_in(person)
        await disable(house, person.id, asker)
        assert (await house.row(person.id)).status is OperatorStatus.DISABLED
        assert not await house.is_live(granted)
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, totp_code=person.code(house.clock, steps=1))

    async def test_done_twice_is_done_once(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        await disable(house, person.id, asker)
        await disable(house, person.id, asker)
        assert len(await audited(house, "disable_operator")) == 1

    async def test_refuses_to_disable_oneself(self, house: House) -> None:
        asker = await house.asker()
        await house.person(Role.SUPER_ADMIN)
        with pytest.raises(OwnAccount):
            await disable(house, asker.id, asker)

    async def test_once_enabled_they_sign_in_as_before(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        await disable(house, person.id, asker)
        async with house.database.transaction() as session:
            await commands.enable_operator(session, ForOperator(person.id, WHY), asker, house.security)
        assert (await house.sign_in(person)).operator.id == person.id


class TestResetSecondFactor:
    async def test_the_old_factor_is_good_for_nothing(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        granted = await house.sign_in(person)
        async with house.database.transaction() as session:
            row, _ = await commands.reset_second_factor(session, ForOperator(person.id, WHY), asker, house.security)
        assert row.status is OperatorStatus.INVITED
        assert not await house.is_live(granted)
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, totp_code=person.code(house.clock, steps=1))

    async def test_refuses_ones_own(self, house: House) -> None:
        asker = await house.asker()
        with pytest.raises(OwnAccount):
            async with house.database.transaction() as session:
                await commands.reset_second_factor(session, ForOperator(asker.id, WHY), asker, house.security)

    async def test_refuses_for_a_disabled_operator(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        await disable(house, person.id, asker)
        with pytest.raises(OperatorDisabled):
            async with house.database.transaction() as session:
                await commands.reset_second_factor(session, ForOperator(person.id, WHY), asker, house.security)


class TestRevokeSessions:
    async def test_ends_all_of_an_operator(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        granted = [
            await house.sign_in(person),
            await house.sign_in(person, totp_code=person.code(house.clock, steps=1)),
        ]
        async with house.database.transaction() as session:
            command = RevokeSessions(person.id, WHY)
            assert await commands.revoke_sessions(session, command, asker, house.security) == 2
        assert not [each for each in granted if await house.is_live(each)]
        assert await house.is_live(asker)

    async def test_ends_only_the_one_that_is_named(self, house: House) -> None:
        asker = await house.asker()
        person = await house.person()
        kept = await house.sign_in(person)
        lost = await house.sign_in(person, totp_code=person.code(house.clock, steps=1))
        async with house.database.transaction() as session:
            command = RevokeSessions(person.id, WHY, lost.session.id)
            assert await commands.revoke_sessions(session, command, asker, house.security) == 1
        assert [await house.is_live(each) for each in (kept, lost)] == [True, False]

    async def test_does_not_end_anothers_session_under_this_name(self, house: House) -> None:
        asker = await house.asker()
        other = await house.sign_in(await house.person())
        async with house.database.transaction() as session:
            command = RevokeSessions((await house.person()).id, WHY, other.session.id)
            assert await commands.revoke_sessions(session, command, asker, house.security) == 0
        assert await house.is_live(asker_of(other))
