"""Keys: published before they sign, retired when the last of their tokens is."""

from datetime import timedelta

import jwt
import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from chassis.audit import SYSTEM
from services.identity.commands import signing_keys as commands
from services.identity.commands.housekeeping import purge
from services.identity.commands.signing_keys import RotateSigningKey
from services.identity.models import AttemptWindow, OperatorSession, RefreshToken, SigningKey
from services.identity.sealing import Vault
from tests.identity.house import House

ROTATE = RotateSigningKey("it is time")
COMPROMISED = RotateSigningKey("it was seen in a log", is_compromised=True)


async def rotate(house: House, command: RotateSigningKey = ROTATE) -> str:
    async with house.database.transaction() as session:
        return (await commands.rotate_signing_key(session, command, SYSTEM, house.security)).kid


async def published(house: House) -> list[str]:
    async with house.database.reading() as session:
        return [key.kid for key in await commands.published_keys(session, house.security)]


async def signing(house: House) -> str:
    async with house.database.transaction() as session:
        return (await commands.signing_key(session, house.security)).kid


class TestSigningKey:
    async def test_a_new_installation_makes_its_first(self, house: House) -> None:
        assert await published(house) == []
        first = await signing(house)
        assert (await signing(house), await published(house)) == (first, [first])

    async def test_is_named_in_the_tokens_that_it_signs(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        assert jwt.get_unverified_header(granted.access.token)["kid"] == await signing(house)

    async def test_lies_sealed_under_the_key_of_the_environment(self, house: House) -> None:
        await signing(house)
        async with house.database.reading() as session:
            key = (await session.scalars(select(SigningKey))).one()
        assert len(commands.private_key(key, house.security)) == 32
        with pytest.raises(InvalidTag):
            Vault("another secret of more than 32 characters").open(key.private_key, f"signing-key:{key.kid}")


class TestRotateSigningKey:
    async def test_publishes_the_next_before_it_signs(self, house: House) -> None:
        first = await signing(house)
        second = await rotate(house)
        assert await published(house) == [first, second]
        house.clock.advance(timedelta(minutes=14))
        assert await signing(house) == first
        house.clock.advance(timedelta(minutes=1))
        assert await signing(house) == second

    async def test_keeps_the_old_one_until_its_last_token_has_expired(self, house: House) -> None:
        first = await signing(house)
        second = await rotate(house)
        house.clock.advance(timedelta(minutes=15, seconds=600 + 59))
        assert await published(house) == [first, second]
        house.clock.advance(timedelta(seconds=1))
        assert await published(house) == [second]

    async def test_asked_twice_there_is_one_next(self, house: House) -> None:
        await signing(house)
        assert await rotate(house) == await rotate(house)

    async def test_a_compromised_key_is_gone_at_once(self, house: House) -> None:
        await signing(house)
        waiting = await rotate(house)
        house.clock.advance(timedelta(seconds=1))
        fresh = await rotate(house, COMPROMISED)
        assert fresh != waiting
        assert (await signing(house), await published(house)) == (fresh, [fresh])

    async def test_the_first_of_all_signs_at_once(self, house: House) -> None:
        assert await rotate(house) == await signing(house)


class TestRotateWhenDue:
    async def test_waits_until_the_days_are_over(self, house: House) -> None:
        first = await signing(house)
        house.clock.advance(timedelta(days=30) - timedelta(seconds=1))
        async with house.database.transaction() as session:
            assert await commands.rotate_when_due(session, house.security) is None
        house.clock.advance(timedelta(seconds=1))
        async with house.database.transaction() as session:
            due = await commands.rotate_when_due(session, house.security)
        assert due is not None
        assert await published(house) == [first, due.kid]


class TestPurge:
    async def test_what_is_over_leaves_and_what_lives_stays(self, house: House) -> None:
        ended = await house.sign_in(await house.person())
        first = await signing(house)
        house.clock.advance(timedelta(days=91))
        second = await rotate(house)
        house.clock.advance(timedelta(hours=1))
        live = await house.sign_in(await house.person())
        async with house.database.transaction() as session:
            await purge(session, house.security)
        async with house.database.reading() as session:
            sessions = (await session.scalars(select(OperatorSession.id))).all()
            tokens = (await session.scalars(select(RefreshToken.session_id))).all()
            keys = (await session.scalars(select(SigningKey.kid))).all()
            windows = (await session.scalars(select(AttemptWindow.attempts))).all()
        assert ended.session.id not in sessions
        assert sessions == tokens == [live.session.id]
        assert (first in keys, second in keys) == (False, True)
        assert windows == [0]
