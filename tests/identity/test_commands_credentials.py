"""Passwords changed and second factors enrolled by the operators themselves."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from chassis.errors import Invalid
from contracts.identity import Role
from services.identity.commands import operators
from services.identity.commands.enrolments import (
    BeginEnrolment,
    Invitation,
    Provisioning,
    begin_enrolment,
    confirm_enrolment,
    replace_second_factor,
)
from services.identity.commands.operators import ForOperator, NewOperator
from services.identity.commands.passwords import ChangePassword, change_password
from services.identity.errors import (
    InvalidCode,
    InvalidCredentials,
    InvalidEnrolmentToken,
    SessionEnded,
    TooManyAttempts,
)
from services.identity.models import Operator
from tests.identity.house import PASSWORD, House, Person, asker_of

pytestmark = pytest.mark.slow

NEW_PASSWORD = "four green lamps in a hall"


def secret_of(made: Provisioning) -> str:
    return parse_qs(urlsplit(made.uri).query)["secret"][0]


async def invite(house: House) -> tuple[Operator, Invitation]:
    asker = await house.asker()
    new = NewOperator("kim@waybill.example", "Kim Reed", Role.EDITOR)
    async with house.database.transaction() as session:
        return await operators.invite_operator(session, new, asker, house.security)


async def begin(house: House, token: str, password: str = NEW_PASSWORD) -> Provisioning:
    return await begin_enrolment(house.database, BeginEnrolment(token, password), house.security)


async def confirm(house: House, made: Provisioning, code: str | None = None) -> None:
    now = pyotp.TOTP(secret_of(made)).at(house.clock.now())
    async with house.database.transaction() as session:
        await confirm_enrolment(session, made.token, code or now, house.security)


class TestEnrolment:
    async def test_an_invited_operator_chooses_a_password_and_signs_in(self, house: House) -> None:
        row, invitation = await invite(house)
        made = await begin(house, invitation.token)
        await confirm(house, made)
        house.clock.advance(timedelta(seconds=30))
        person = Person(row.id, row.email, row.name, secret_of(made), NEW_PASSWORD)
        assert (await house.sign_in(person)).operator.role == Role.EDITOR

    async def test_nothing_counts_before_it_is_confirmed(self, house: House) -> None:
        row, invitation = await invite(house)
        made = await begin(house, invitation.token)
        person = Person(row.id, row.email, row.name, secret_of(made), NEW_PASSWORD)
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person)

    async def test_the_code_that_confirms_signs_nobody_in(self, house: House) -> None:
        row, invitation = await invite(house)
        made = await begin(house, invitation.token)
        await confirm(house, made)
        with pytest.raises(InvalidCredentials):
            await house.sign_in(Person(row.id, row.email, row.name, secret_of(made), NEW_PASSWORD))

    async def test_begun_again_it_shows_another_secret_and_the_first_is_void(self, house: House) -> None:
        _, invitation = await invite(house)
        first, second = await begin(house, invitation.token), await begin(house, invitation.token)
        assert secret_of(first) != secret_of(second)
        with pytest.raises(InvalidCode):
            await confirm(house, second, pyotp.TOTP(secret_of(first)).at(house.clock.now()))
        await confirm(house, second)

    async def test_refuses_a_weak_password_naming_all_its_faults(self, house: House) -> None:
        _, invitation = await invite(house)
        with pytest.raises(Invalid) as refused:
            await begin(house, invitation.token, "kkkk")
        assert [(fault.field, fault.code) for fault in refused.value.errors] == [
            ("password", "too_short"),
            ("password", "too_uniform"),
        ]

    async def test_refuses_a_token_twice(self, house: House) -> None:
        _, invitation = await invite(house)
        made = await begin(house, invitation.token)
        await confirm(house, made)
        with pytest.raises(InvalidEnrolmentToken):
            await confirm(house, made)
        with pytest.raises(InvalidEnrolmentToken):
            await begin(house, invitation.token)

    async def test_refuses_a_token_that_expired(self, house: House) -> None:
        _, invitation = await invite(house)
        house.clock.advance(timedelta(hours=72))
        with pytest.raises(InvalidEnrolmentToken):
            await begin(house, invitation.token)

    async def test_refuses_an_unknown_token(self, house: House) -> None:
        with pytest.raises(InvalidEnrolmentToken):
            await begin(house, "unheard of")

    async def test_a_code_cannot_confirm_before_a_secret_was_shown(self, house: House) -> None:
        _, invitation = await invite(house)
        with pytest.raises(InvalidCode):
            async with house.database.transaction() as session:
                await confirm_enrolment(session, invitation.token, "000000", house.security)


class TestEnrolmentAfterALoss:
    async def reset(self, house: House) -> tuple[Person, Invitation]:
        asker, person = await house.asker(), await house.person()
        async with house.database.transaction() as session:
            command = ForOperator(person.id, "lost their phone")
            _, invitation = await operators.reset_second_factor(session, command, asker, house.security)
        return person, invitation

    async def test_who_knows_the_password_enrols_anew(self, house: House) -> None:
        person, invitation = await self.reset(house)
        made = await begin(house, invitation.token, PASSWORD)
        await confirm(house, made)
        house.clock.advance(timedelta(seconds=30))
        anew = Person(person.id, person.email, person.name, secret_of(made))
        assert (await house.sign_in(anew)).operator.id == person.id

    async def test_the_token_alone_is_not_enough(self, house: House) -> None:
        _, invitation = await self.reset(house)
        for _ in range(10):
            with pytest.raises(InvalidCredentials):
                await begin(house, invitation.token, "not this one")
        with pytest.raises(TooManyAttempts):
            await begin(house, invitation.token, PASSWORD)

    async def test_a_later_reset_voids_the_earlier_token(self, house: House) -> None:
        person, first = await self.reset(house)
        asker = await house.asker()
        async with house.database.transaction() as session:
            await operators.reset_second_factor(session, ForOperator(person.id, "again"), asker, house.security)
        with pytest.raises(InvalidEnrolmentToken):
            await begin(house, first.token, PASSWORD)


class TestReplaceSecondFactor:
    async def test_the_old_one_is_good_until_the_new_one_is_confirmed(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        async with house.database.transaction() as session:
            made = await replace_second_factor(session, asker_of(granted), house.security)
        house.clock.advance(timedelta(seconds=30))
        await house.sign_in(person)
        house.clock.advance(timedelta(seconds=30))
        await confirm(house, made)
        assert not await house.is_live(granted)
        house.clock.advance(timedelta(seconds=30))
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person)
        anew = Person(person.id, person.email, person.name, secret_of(made))
        assert (await house.sign_in(anew)).operator.id == person.id


class TestChangePassword:
    async def change(self, house: House, person: Person, current: str = PASSWORD, new: str = NEW_PASSWORD) -> None:
        granted = await house.sign_in(person)
        await change_password(house.database, ChangePassword(asker_of(granted), current, new), house.security)

    async def test_ends_every_session_and_the_new_one_counts(self, house: House) -> None:
        person = await house.person()
        earlier = await house.sign_in(person, totp_code=person.code(house.clock, steps=-1))
        await self.change(house, person)
        assert not await house.is_live(earlier)
        house.clock.advance(timedelta(seconds=30))
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person)
        assert (await house.sign_in(person, password=NEW_PASSWORD)).operator.id == person.id

    async def test_refuses_a_wrong_current_one(self, house: House) -> None:
        with pytest.raises(InvalidCredentials):
            await self.change(house, await house.person(), current="not this one")

    async def test_refuses_the_same_again(self, house: House) -> None:
        with pytest.raises(Invalid) as refused:
            await self.change(house, await house.person(), new=PASSWORD)
        assert [(fault.field, fault.code) for fault in refused.value.errors] == [("new_password", "unchanged")]

    async def test_counts_wrong_guesses(self, house: House) -> None:
        asker = asker_of(await house.sign_in(await house.person()))
        for _ in range(10):
            with pytest.raises(InvalidCredentials):
                command = ChangePassword(asker, "not this one", NEW_PASSWORD)
                await change_password(house.database, command, house.security)
        with pytest.raises(TooManyAttempts):
            await change_password(house.database, ChangePassword(asker, PASSWORD, NEW_PASSWORD), house.security)

    async def test_refuses_once_the_session_has_ended(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        command = ChangePassword(asker_of(granted), PASSWORD, NEW_PASSWORD)
        await change_password(house.database, command, house.security)
        with pytest.raises(SessionEnded):
            command = ChangePassword(asker_of(granted), NEW_PASSWORD, "nine white stones by the sea")
            await change_password(house.database, command, house.security)
