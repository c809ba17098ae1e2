"""Sessions: signing in, refreshing, stepping up, ending."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from chassis.audit import audit_entries
from contracts.identity import Role, TokenClaims
from services.identity.commands.sessions import StepUp, end_session, refresh_session, sign_in, step_up
from services.identity.errors import InvalidCode, InvalidCredentials, InvalidRefreshToken, SessionEnded
from services.identity.models import RefreshToken
from services.identity.passwords import Passwords, parameters_of
from services.identity.security import Security
from tests.identity.house import House, asker_of
from tests.kit.statements import statements_of

STRONGER = {"memory_kib": 20 * 1024, "passes": 2, "lanes": 1, "threads": 1}
"""Than the settings of the house."""


async def refresh(house: House, token: str, security: Security | None = None) -> str:
    """The next refresh token."""
    async with house.database.transaction() as session:
        renewal = await refresh_session(session, token, security or house.security)
    if renewal.granted is None:
        raise InvalidRefreshToken()
    return renewal.granted.refresh_token


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


class TestSignIn:
    async def test_gives_a_token_with_the_claims_of_the_contract(self, house: House) -> None:
        person = await house.person(Role.ADMIN)
        granted = await house.sign_in(person)
        claims = claims_of(granted.access.token)
        assert set(claims) == set(TokenClaims.__annotations__)
        assert (claims["sub"], claims["sid"]) == (str(person.id), str(granted.session.id))
        assert (claims["iss"], claims["aud"], claims["name"]) == ("waybill-identity", "waybill", person.name)
        assert claims["roles"] == ["admin"]
        assert set(claims["capabilities"]) == Role.ADMIN.capabilities
        assert claims["mfa_at"] == claims["iat"] == int(house.clock.now().timestamp())
        assert claims["exp"] - claims["iat"] == 600

    async def test_knows_an_email_in_any_case(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person, email=f"  {person.email.upper()} ")
        assert granted.operator.id == person.id

    @pytest.mark.parametrize(
        "wrong", [{"email": "nobody@waybill.example"}, {"password": "not this one"}, {"totp_code": "000000"}]
    )
    async def test_refuses_what_is_wrong_in_one_way(self, house: House, wrong: dict[str, str]) -> None:
        person = await house.person()
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, **wrong)

    async def test_refuses_a_code_that_was_used(self, house: House) -> None:
        person = await house.person()
        await house.sign_in(person)
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person)

    async def test_refuses_a_code_of_an_earlier_step_than_one_used(self, house: House) -> None:
        person = await house.person()
        await house.sign_in(person, totp_code=person.code(house.clock, steps=1))
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person)

    @pytest.mark.parametrize("steps", [-1, 1])
    async def test_lets_a_clock_be_one_step_off(self, house: House, steps: int) -> None:
        person = await house.person()
        granted = await house.sign_in(person, totp_code=person.code(house.clock, steps=steps))
        assert granted.operator.id == person.id

    @pytest.mark.parametrize("steps", [-2, 2])
    async def test_refuses_a_clock_that_is_two_steps_off(self, house: House, steps: int) -> None:
        person = await house.person()
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, totp_code=person.code(house.clock, steps=steps))

    async def test_does_not_use_up_a_code_that_came_with_a_wrong_password(self, house: House) -> None:
        person = await house.person()
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, password="not this one")
        assert (await house.sign_in(person)).operator.id == person.id

    async def test_makes_a_hash_of_older_parameters_anew(self, house: House) -> None:
        person = await house.person()
        stronger = Passwords(**STRONGER)
        security = Security(house.security.settings, house.clock, house.security.vault, stronger)
        before = (await house.row(person.id)).password_hash
        await sign_in(house.database, house.knock(person), security)
        after = (await house.row(person.id)).password_hash
        await stronger.close()
        assert before is not None
        assert after is not None
        assert (stronger.is_outdated(before), stronger.is_outdated(after)) == (True, False)

    async def test_leaves_it_to_who_proves_both_factors(self, house: House) -> None:
        person = await house.person()
        stronger = House(house.database, house.security.settings, house.clock, Passwords(**STRONGER))
        before = (await house.row(person.id)).password_hash
        with pytest.raises(InvalidCredentials):
            await stronger.sign_in(person, totp_code="000000")
        assert (await house.row(person.id)).password_hash == before
        await stronger.security.passwords.close()

    async def test_keeps_no_token_as_it_is(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        async with house.database.reading() as session:
            rows = (await session.execute(select(RefreshToken.token_hash))).scalars().all()
        assert len(rows) == 1
        assert granted.refresh_token.encode() not in rows[0]

    async def test_is_audited(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        async with house.database.reading() as session:
            row = (await session.execute(select(audit_entries).where(audit_entries.c.action == "sign_in"))).one()
        assert (row.actor_id, row.subject_kind, row.subject_id) == (person.id, "session", str(granted.session.id))


class TestEqualAnswers:
    """Whoever is refused cannot tell why, nor measure it: the work is the same by construction."""

    async def test_the_same_statements_are_run_whatever_is_wrong(self, busy_house: House) -> None:
        person = await busy_house.person()
        await self.knock_in_vain(busy_house, person, password="warms the connection up")
        wrongs = [{"email": "nobody@waybill.example"}, {"password": "not this one"}, {"totp_code": "000000"}]
        seen = [await self.statements(busy_house, person, wrong) for wrong in wrongs]
        assert seen[0] == seen[1] == seen[2]

    @pytest.mark.parametrize(
        "wrong", [{"email": "nobody@waybill.example"}, {"password": "not this one"}, {"totp_code": "000000"}]
    )
    async def test_one_hash_is_computed_whatever_is_wrong(
        self, house: House, worked_out: list[str], wrong: dict[str, str]
    ) -> None:
        person = await house.person()
        worked_out.clear()
        await self.knock_in_vain(house, person, **wrong)
        assert worked_out == ["$argon2id$v=19$m=19456,t=2,p=1"]

    async def test_one_of_each_kind_is_computed_while_some_are_of_older_parameters(
        self, house: House, worked_out: list[str]
    ) -> None:
        """After the parameters were raised, each hash is made anew when its operator signs in, and not before."""
        early, late = await house.person(), await house.person()
        stronger = House(house.database, house.security.settings, house.clock, Passwords(**STRONGER))
        await stronger.sign_in(early)
        both = ["$argon2id$v=19$m=19456,t=2,p=1", "$argon2id$v=19$m=20480,t=2,p=1"]
        for person in (early, late):
            for wrong in ({"email": "nobody@waybill.example"}, {"password": "not this one"}, {"totp_code": "000000"}):
                worked_out.clear()
                await self.knock_in_vain(stronger, person, **wrong)
                assert worked_out == both
        await stronger.security.passwords.close()

    async def statements(self, house: House, person: Any, wrong: dict[str, str]) -> list[str]:
        with statements_of(house.database.engine.sync_engine) as statements:
            await self.knock_in_vain(house, person, **wrong)
        return statements

    async def knock_in_vain(self, house: House, person: Any, **wrong: str) -> None:
        with pytest.raises(InvalidCredentials):
            await house.sign_in(person, **wrong)


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of every hash that is worked out from now on, to compare or to keep."""
    parameters: list[str] = []
    matches, hash_anew = Passwords._matches, Passwords._hash

    def note_comparison(passwords: Passwords, password_hash: str, password: str) -> bool:
        parameters.append(parameters_of(password_hash))
        return matches(passwords, password_hash, password)

    def note_making(passwords: Passwords, password: str) -> str:
        made = hash_anew(passwords, password)
        parameters.append(parameters_of(made))
        return made

    monkeypatch.setattr(Passwords, "_matches", note_comparison)
    monkeypatch.setattr(Passwords, "_hash", note_making)
    return parameters


class TestRefreshSession:
    async def test_gives_the_next_token_and_keeps_the_second_factor_as_old_as_it_is(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        signed_in_at = house.clock.now()
        house.clock.advance(timedelta(minutes=9))
        async with house.database.transaction() as session:
            renewal = await refresh_session(session, granted.refresh_token, house.security)
        assert renewal.granted is not None
        claims = claims_of(renewal.granted.access.token)
        assert claims["mfa_at"] == int(signed_in_at.timestamp())
        assert claims["iat"] == int(house.clock.now().timestamp())
        assert renewal.granted.refresh_token != granted.refresh_token

    async def test_a_used_token_ends_the_session_for_both_who_hold_it(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        stolen = granted.refresh_token
        honest = await refresh(house, stolen)
        with pytest.raises(InvalidRefreshToken):
            await refresh(house, stolen)
        with pytest.raises(SessionEnded):
            await refresh(house, honest)
        assert not await house.is_live(granted)

    async def test_refuses_an_unknown_token(self, house: House) -> None:
        with pytest.raises(InvalidRefreshToken):
            await refresh(house, "unheard of")

    async def test_refuses_a_token_that_waited_too_long(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        house.clock.advance(timedelta(hours=2))
        with pytest.raises(InvalidRefreshToken):
            await refresh(house, granted.refresh_token)

    async def test_never_outlives_the_session(self, house: House) -> None:
        security = house.with_settings(session_seconds=3600, session_idle_seconds=3600)
        granted = await sign_in(house.database, house.knock(await house.person()), security)
        house.clock.advance(timedelta(minutes=55))
        async with house.database.transaction() as session:
            renewal = await refresh_session(session, granted.refresh_token, security)
        assert renewal.granted is not None
        claims = claims_of(renewal.granted.access.token)
        assert claims["exp"] == int(granted.session.expires_at.timestamp())
        house.clock.advance(timedelta(minutes=5))
        with pytest.raises(SessionEnded):
            await refresh(house, renewal.granted.refresh_token, security)


class TestStepUp:
    async def test_makes_the_second_factor_fresh(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        house.clock.advance(timedelta(minutes=6))
        command = StepUp(asker_of(granted), person.code(house.clock))
        stepped = await step_up(house.database, command, house.security)
        now = int(house.clock.now().timestamp())
        assert claims_of(stepped.access.token)["mfa_at"] == now
        assert claims_of(stepped.access.token)["sid"] == str(granted.session.id)

    async def test_what_is_refreshed_later_carries_it(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        house.clock.advance(timedelta(minutes=6))
        await step_up(house.database, StepUp(asker_of(granted), person.code(house.clock)), house.security)
        stepped_at = int(house.clock.now().timestamp())
        house.clock.advance(timedelta(minutes=2))
        async with house.database.transaction() as session:
            renewal = await refresh_session(session, granted.refresh_token, house.security)
        assert renewal.granted is not None
        assert claims_of(renewal.granted.access.token)["mfa_at"] == stepped_at

    async def test_refuses_the_code_of_the_sign_in(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        with pytest.raises(InvalidCode):
            await step_up(house.database, StepUp(asker_of(granted), person.code(house.clock)), house.security)

    async def test_takes_the_next_code_at_once(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        command = StepUp(asker_of(granted), person.code(house.clock, steps=1))
        stepped = await step_up(house.database, command, house.security)
        assert stepped.session.id == granted.session.id

    async def test_refuses_when_the_session_was_ended(self, house: House) -> None:
        person = await house.person()
        granted = await house.sign_in(person)
        async with house.database.transaction() as session:
            await end_session(session, asker_of(granted), house.security)
        with pytest.raises(SessionEnded):
            command = StepUp(asker_of(granted), person.code(house.clock, steps=1))
            await step_up(house.database, command, house.security)


class TestEndSession:
    async def test_ends_the_session_and_its_refresh_token(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        async with house.database.transaction() as session:
            await end_session(session, asker_of(granted), house.security)
        assert not await house.is_live(granted)
        with pytest.raises(SessionEnded):
            await refresh(house, granted.refresh_token)

    async def test_done_twice_is_done_once(self, house: House) -> None:
        granted = await house.sign_in(await house.person())
        for _ in range(2):
            async with house.database.transaction() as session:
                await end_session(session, asker_of(granted), house.security)
        async with house.database.reading() as session:
            rows = await session.execute(select(audit_entries).where(audit_entries.c.action == "end_session"))
        assert len(rows.all()) == 1
