"""argon2id."""

from collections.abc import AsyncIterator

import pytest

from services.identity.passwords import Passwords, parameters_of


@pytest.fixture(scope="module")
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(memory_kib=19 * 1024, passes=2, lanes=1, threads=1)
    yield made
    await made.close()


class TestPasswords:
    async def test_are_hashed_by_argon2id_with_the_parameters_of_owasp(self, passwords: Passwords) -> None:
        assert (await passwords.hash("a password")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    async def test_match_their_hash_alone(self, passwords: Passwords) -> None:
        password_hash = await passwords.hash("a password")
        assert await passwords.verify(password_hash, "a password")
        assert not await passwords.verify(password_hash, "a password ")

    async def test_nobodys_password_matches_nothing(self, passwords: Passwords) -> None:
        in_use = parameters_of(await passwords.hash("a password"))
        assert not await passwords.verify(None, "a password")
        assert not await passwords.verify(None, "a password", [in_use])

    async def test_match_their_hash_among_those_of_other_parameters(self, passwords: Passwords) -> None:
        others = ["$argon2id$v=19$m=20480,t=2,p=1", "$argon2id$v=19$m=19456,t=3,p=1"]
        password_hash = await passwords.hash("a password")
        assert await passwords.verify(password_hash, "a password", others)
        assert not await passwords.verify(password_hash, "another password", others)

    async def test_a_hash_that_is_none_matches_nothing(self, passwords: Passwords) -> None:
        assert not await passwords.verify("$argon2id$broken", "a password", ["$argon2id$v=19$m=19456,t=2,p=1"])

    async def test_one_keyboards_accent_is_anothers(self, passwords: Passwords) -> None:
        assert await passwords.verify(await passwords.hash("caf\u00e9"), "cafe\u0301")

    async def test_half_a_character_is_an_answer_too(self, passwords: Passwords) -> None:
        assert not await passwords.verify(None, "\ud800")

    async def test_other_parameters_make_a_hash_outdated(self, passwords: Passwords) -> None:
        stronger = Passwords(memory_kib=20 * 1024, passes=2, lanes=1, threads=1)
        old = await passwords.hash("a password")
        assert stronger.is_outdated(old)
        assert await stronger.verify(old, "a password")
        assert not passwords.is_outdated(old)
        await stronger.close()
