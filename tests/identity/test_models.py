"""The constraints hold whatever the code does."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from chassis import migrate
from chassis.ids import new_id
from deploy.local.postgres import ServiceDatabase
from services.identity.models import Enrolment, OperatorSession, RefreshToken
from services.identity.tokens import hashed
from tests.identity.house import House


async def refused(house: House, constraint: str, *rows: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        async with house.database.transaction() as session:
            session.add_all(rows)


async def refused_change(house: House, constraint: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        async with house.database.transaction() as session:
            await session.execute(text(statement))


class TestOperators:
    @pytest.mark.parametrize(
        ("constraint", "change"),
        [
            ("ck_operators_role", "role = 'owner'"),
            ("ck_operators_email", "email = upper(email)"),
            ("ck_operators_password_is_argon2id", "password_hash = 'plain'"),
            ("ck_operators_password_has_its_instant", "password_hash = NULL"),
            ("ck_operators_totp_has_its_instant", "totp_secret = NULL"),
        ],
    )
    async def test_refuse_what_cannot_be(self, house: House, constraint: str, change: str) -> None:
        await house.person()
        await refused_change(house, constraint, f"UPDATE operators SET {change}")

    async def test_have_an_email_each(self, house: House) -> None:
        await house.person()
        await refused_change(
            house,
            "uq_operators_email",
            f"INSERT INTO operators (id, email, name, role, created_at) "
            f"SELECT '{new_id()}', email, name, role, created_at FROM operators",
        )


class TestSessions:
    async def test_are_revoked_for_a_reason(self, house: House) -> None:
        await house.asker()
        await refused_change(house, "revoked_has_its_reason", "UPDATE sessions SET revoked_at = now()")
        await refused_change(house, "ck_sessions_revoked_for", "UPDATE sessions SET revoked_for = 'mood'")

    async def test_have_one_usable_refresh_token(self, house: House) -> None:
        asker, now = await house.asker(), house.clock.now()
        second = RefreshToken(token_hash=hashed("second"), session_id=asker.session_id, issued_at=now, expires_at=now)
        await refused(house, "uq_refresh_tokens_usable", second)

    async def test_belong_to_an_operator(self, house: House) -> None:
        now = house.clock.now()
        orphan = OperatorSession(
            id=new_id(),
            operator_id=new_id(),
            started_at=now,
            expires_at=now + timedelta(hours=1),
            mfa_at=now,
            last_seen_at=now,
        )
        await refused(house, "fk_sessions_operator_id", orphan)


class TestEnrolments:
    async def test_are_one_per_operator_at_the_most(self, house: House) -> None:
        person, now = await house.person(), house.clock.now()
        rows = [
            Enrolment(id=new_id(), operator_id=person.id, token_hash=hashed(word), created_at=now, expires_at=now)
            for word in ("one", "two")
        ]
        await refused(house, "uq_enrolments_operator_id", *rows)


class TestSchema:
    async def test_is_the_one_that_the_migrations_make(self, fresh_database: Callable[[str], ServiceDatabase]) -> None:
        database = fresh_database("identity")
        check = migrate.configuration("identity", database.owner_url, "identity")
        await asyncio.to_thread(migrate.check, check)
