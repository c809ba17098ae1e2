"""The limits of guessing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from services.identity.commands.attempts import locked_until, sign_in_guesses
from services.identity.commands.sessions import StepUp, sign_in, step_up
from services.identity.errors import InvalidCode, InvalidCredentials, TooManyAttempts
from services.identity.models import AttemptWindow
from tests.identity.house import House, Person, asker_of

pytestmark = pytest.mark.slow


async def fail(house: House, person: Person, times: int, **wrong: str) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, **{"password": "not this one", **wrong})


class TestAccountLimit:
    async def test_refuses_after_so_many_failures_even_what_is_right(self, house: House) -> None:
        person = await house.person()
        await fail(house, person, 10)
        house.clock.advance(timedelta(minutes=5))
        with pytest.raises(TooManyAttempts) as refused:
            await house.sign_in(person)
        assert refused.value.retry_after_seconds == 600

    async def test_holds_for_an_account_that_does_not_exist(self, house: House) -> None:
        person = await house.person()
        await fail(house, person, 10, email="nobody@waybill.example")
        with pytest.raises(TooManyAttempts):
            await house.sign_in(person, email="Nobody@Waybill.example")

    async def test_holds_from_whatever_address(self, house: House) -> None:
        person = await house.person()
        for number in range(10):
            await fail(house, person, 1, address=f"203.0.113.{number}")
        with pytest.raises(TooManyAttempts):
            await house.sign_in(person, address="198.51.100.1")

    async def test_ends_with_its_window(self, house: House) -> None:
        person = await house.person()
        await fail(house, person, 10)
        house.clock.advance(timedelta(minutes=15))
        assert (await house.sign_in(person)).operator.id == person.id

    async def test_a_success_forgets_the_failures(self, house: House) -> None:
        person = await house.person()
        await fail(house, person, 9)
        await house.sign_in(person)
        await fail(house, person, 10)

    async def test_other_accounts_are_not_touched(self, house: House) -> None:
        await fail(house, await house.person(), 10)
        other = await house.person()
        assert (await house.sign_in(other)).operator.id == other.id

    async def test_what_is_refused_is_not_counted(self, house: House) -> None:
        person = await house.person()
        await fail(house, person, 10)
        for _ in range(3):
            with pytest.raises(TooManyAttempts):
                await house.sign_in(person)
        async with house.database.reading() as session:
            assert await session.scalar(select(func.max(AttemptWindow.attempts))) == 10


class TestLockedUntil:
    async def test_tells_the_end_of_the_window_that_holds_too_many(self, house: House) -> None:
        person = await house.person()
        account, _ = sign_in_guesses(person.email, "", house.security)
        began = house.clock.now()

        async def told() -> datetime | None:
            async with house.database.reading() as session:
                return await locked_until(session, account, house.clock.now())

        await fail(house, person, 9)
        assert await told() is None
        await fail(house, person, 1)
        assert await told() == began + timedelta(minutes=15)
        house.clock.advance(timedelta(minutes=15))
        assert await told() is None


class TestAddressLimit:
    async def test_holds_over_accounts(self, house: House) -> None:
        security = house.with_settings(address_attempts=3)
        person = await house.person()
        for number in range(3):
            with pytest.raises(InvalidCredentials):
                wrong = house.knock(person, email=f"nobody{number}@waybill.example")
                await sign_in(house.database, wrong, security)
        with pytest.raises(TooManyAttempts):
            await sign_in(house.database, house.knock(person), security)
        elsewhere = house.knock(person, address="198.51.100.1")
        assert (await sign_in(house.database, elsewhere, security)).operator.id == person.id

    async def test_who_signs_in_in_order_is_not_counted(self, house: House) -> None:
        security = house.with_settings(address_attempts=2)
        for _ in range(4):
            await sign_in(house.database, house.knock(await house.person()), security)

    async def test_keeps_no_email_and_no_address(self, house: House) -> None:
        person = await house.person()
        await fail(house, person, 1)
        async with house.database.reading() as session:
            subjects = (await session.scalars(select(AttemptWindow.subject))).all()
        assert {len(subject) for subject in subjects} == {32}


class TestStepUpLimit:
    async def test_holds_for_codes_alone_and_leaves_signing_in_be(self, house: House) -> None:
        person = await house.person()
        command = StepUp(asker_of(await house.sign_in(person)), "000000")
        for _ in range(10):
            with pytest.raises(InvalidCode):
                await step_up(house.database, command, house.security)
        with pytest.raises(TooManyAttempts):
            await step_up(house.database, command, house.security)
        house.clock.advance(timedelta(seconds=30))
        assert (await house.sign_in(person)).operator.id == person.id
