"""Two at once: each test holds both at the same lock, sees them wait, and lets them go together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import SYSTEM
from chassis.service import database_of
from contracts.identity import Role
from services.identity import queries
from services.identity.commands import operators, signing_keys
from services.identity.commands.housekeeping import purge
from services.identity.commands.operators import ChangeRole, ForOperator
from services.identity.commands.sessions import Renewal, refresh_session, sign_in
from services.identity.commands.signing_keys import RotateSigningKey
from services.identity.errors import InvalidCredentials, LastSuperAdmin, SessionEnded, TooManyAttempts
from services.identity.models import Operator, OperatorSession, SigningKey
from services.identity.security import Security
from tests.identity.house import Asker, House
from tests.kit.eventually import eventually

WHY = "both at once"


@pytest.fixture
async def other_process(busy_house: House) -> AsyncIterator[House]:
    """The same database through another pool of connections."""
    database = database_of("identity", busy_house.security.settings)
    yield House(database, busy_house.security.settings, busy_house.clock, busy_house.security.passwords)
    await database.close()


async def together(house: House, lock: str, *deeds: Awaitable[Any]) -> list[Any]:
    """What each came to, a refusal too, when all of them waited for `lock` and then went at once."""
    async with house.database.engine.connect() as blocker:
        await blocker.execute(text(lock))
        tasks = [asyncio.ensure_future(deed) for deed in deeds]
        async with watching(house) as count_waiting:

            async def all_wait() -> bool:
                return await count_waiting() == len(deeds)

            await eventually(all_wait)
        await blocker.rollback()
    return await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def watching(house: House) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with house.database.engine.connect() as connection:

        async def count() -> int:
            found = await connection.scalar(waiting)
            await connection.rollback()
            return int(found or 0)

        yield count


async def ended_or_waits(house: House, deed: asyncio.Future[Any]) -> None:
    async with watching(house) as count_waiting:

        async def ended_or_waiting() -> bool:
            return deed.done() or await count_waiting() == 1

        await eventually(ended_or_waiting)


def kinds(outcomes: Sequence[Any]) -> list[str]:
    return sorted(type(outcome).__name__ for outcome in outcomes)


class TestSignInAtOnce:
    async def test_one_code_lets_one_in(self, busy_house: House, other_process: House) -> None:
        person = await busy_house.person()
        outcomes = await together(
            busy_house,
            "SELECT 1 FROM operators FOR UPDATE",
            busy_house.sign_in(person),
            other_process.sign_in(person),
        )
        assert kinds(outcomes) == ["Granted", "InvalidCredentials"]

    async def test_the_limit_holds_over_connections(self, busy_house: House, other_process: House) -> None:
        security = busy_house.with_settings(account_attempts=3)
        person = await busy_house.person()
        wrong = busy_house.knock(person, password="not this one")
        with pytest.raises(InvalidCredentials):
            await sign_in(busy_house.database, wrong, security)
        outcomes = await together(
            busy_house,
            "SELECT 1 FROM attempt_windows WHERE kind = 'account' FOR UPDATE",
            *(sign_in(house.database, wrong, security) for house in (busy_house, other_process) for _ in range(2)),
        )
        assert kinds(outcomes) == ["InvalidCredentials"] * 2 + ["TooManyAttempts"] * 2
        with pytest.raises(TooManyAttempts):
            await sign_in(other_process.database, busy_house.knock(person), security)

    async def test_the_first_attempts_of_all_count_too(self, busy_house: House, other_process: House) -> None:
        """No row is there yet to be locked."""
        security = busy_house.with_settings(account_attempts=2)
        wrong = busy_house.knock(await busy_house.person(), password="not this one")
        outcomes = await together(
            busy_house,
            "LOCK TABLE attempt_windows IN EXCLUSIVE MODE",
            *(sign_in(house.database, wrong, security) for house in (busy_house, other_process) for _ in range(2)),
        )
        assert kinds(outcomes) == ["InvalidCredentials"] * 2 + ["TooManyAttempts"] * 2

    async def test_who_is_disabled_meanwhile_has_no_session(self, busy_house: House, other_process: House) -> None:
        asker, person = await busy_house.asker(), await busy_house.person()
        await together(
            busy_house,
            "SELECT 1 FROM operators FOR UPDATE",
            disable(busy_house, person.id, asker),
            other_process.sign_in(person),
        )
        assert not await live_count(busy_house, person.id)


class TestRefreshAtOnce:
    async def test_one_token_is_used_once_and_the_session_is_over(
        self, busy_house: House, other_process: House
    ) -> None:
        granted = await busy_house.sign_in(await busy_house.person())
        outcomes = await together(
            busy_house,
            "SELECT 1 FROM sessions FOR UPDATE",
            refresh(busy_house, granted.refresh_token),
            refresh(other_process, granted.refresh_token),
        )
        assert sorted(outcome.granted is not None for outcome in outcomes) == [False, True]
        assert not await busy_house.is_live(granted)


class TestLastSuperAdmin:
    async def test_two_who_take_each_others_role_leave_one(self, busy_house: House, other_process: House) -> None:
        one, two = await busy_house.asker(), await busy_house.asker()
        outcomes = await together(
            busy_house,
            "SELECT 1 FROM operators FOR UPDATE",
            demote(busy_house, two.id, one),
            demote(other_process, one.id, two),
        )
        assert kinds(outcomes) == ["NoneType", "SessionEnded"]
        assert await super_admin_count(busy_house) == 1

    async def test_two_who_step_down_leave_one(self, busy_house: House, other_process: House) -> None:
        one, two = await busy_house.asker(), await busy_house.asker()
        outcomes = await together(
            busy_house,
            "SELECT 1 FROM operators FOR UPDATE",
            demote(busy_house, one.id, one),
            demote(other_process, two.id, two),
        )
        assert kinds(outcomes) == ["LastSuperAdmin", "NoneType"]
        assert await super_admin_count(busy_house) == 1

    async def test_of_two_ways_to_lose_access_one_works(self, busy_house: House, other_process: House) -> None:
        one, two = await busy_house.asker(), await busy_house.asker()
        outcomes = await together(
            busy_house,
            "SELECT 1 FROM operators FOR UPDATE",
            demote(busy_house, one.id, one),
            disable(other_process, two.id, one),
        )
        refusals = [outcome for outcome in outcomes if isinstance(outcome, LastSuperAdmin | SessionEnded)]
        assert len(refusals) == 1
        assert await super_admin_count(busy_house) == 1


class TestKeysAtOnce:
    async def test_two_first_sign_ins_make_one_key(self, busy_house: House, other_process: House) -> None:
        one, two = await busy_house.person(), await busy_house.person()
        lock = "SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))"
        outcomes = await together(busy_house, lock, busy_house.sign_in(one), other_process.sign_in(two))
        assert kinds(outcomes) == ["Granted", "Granted"]
        assert await count(busy_house, SigningKey) == 1

    async def test_two_rotations_make_one_next(self, busy_house: House, other_process: House) -> None:
        await busy_house.asker()
        lock = "SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))"
        outcomes = await together(busy_house, lock, rotate(busy_house), rotate(other_process))
        assert outcomes[0] == outcomes[1]
        assert await count(busy_house, SigningKey) == 2

    @pytest.mark.parametrize("has_a_key", [True, False])
    async def test_a_key_that_is_made_while_the_retired_ones_leave_stays(
        self, busy_house: House, other_process: House, monkeypatch: pytest.MonkeyPatch, has_a_key: bool
    ) -> None:
        """The purge has read which keys are needed; before it deletes, another process makes the next one."""
        if has_a_key:
            await busy_house.asker()
        made: list[asyncio.Future[str]] = []
        read = queries.signing_keys

        async def read_and_let_the_other_in(session: AsyncSession) -> Sequence[SigningKey]:
            keys = await read(session)
            if not made:
                made.append(asyncio.ensure_future(rotate(other_process)))
                await ended_or_waits(busy_house, made[0])
            return keys

        monkeypatch.setattr(queries, "signing_keys", read_and_let_the_other_in)
        async with busy_house.database.transaction() as session:
            await purge(session, busy_house.security)
        kid = await made[0]
        async with busy_house.database.reading() as session:
            assert kid in {key.kid for key in await read(session)}


class TestInvitationsAtOnce:
    async def test_one_email_makes_one_operator(self, busy_house: House, other_process: House) -> None:
        asker = await busy_house.asker()
        outcomes = await together(
            busy_house,
            "LOCK TABLE operators IN EXCLUSIVE MODE",
            invite(busy_house, asker),
            invite(other_process, asker),
        )
        assert kinds(outcomes) == ["OperatorExists", "UUID"]


async def disable(house: House, operator_id: Any, asker: Asker) -> None:
    async with house.database.transaction() as session:
        await operators.disable_operator(session, ForOperator(operator_id, WHY), asker, house.security)


async def demote(house: House, operator_id: Any, asker: Asker) -> None:
    async with house.database.transaction() as session:
        await operators.change_role(session, ChangeRole(operator_id, Role.EDITOR, WHY), asker, house.security)


async def invite(house: House, asker: Asker) -> Any:
    new = operators.NewOperator("kim@waybill.example", "Kim Reed", Role.EDITOR)
    async with house.database.transaction() as session:
        row, _ = await operators.invite_operator(session, new, asker, house.security)
    return row.id


async def refresh(house: House, token: str, security: Security | None = None) -> Renewal:
    async with house.database.transaction() as session:
        return await refresh_session(session, token, security or house.security)


async def rotate(house: House) -> str:
    async with house.database.transaction() as session:
        key = await signing_keys.rotate_signing_key(session, RotateSigningKey(WHY), SYSTEM, house.security)
    return key.kid


async def count(house: House, model: type[Any]) -> int:
    async with house.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def super_admin_count(house: House) -> int:
    able = (Operator.role == Role.SUPER_ADMIN, Operator.disabled_at.is_(None))
    async with house.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Operator).where(*able)) or 0


async def live_count(house: House, operator_id: Any) -> int:
    live = (OperatorSession.operator_id == operator_id, OperatorSession.revoked_at.is_(None))
    async with house.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(OperatorSession).where(*live)) or 0
