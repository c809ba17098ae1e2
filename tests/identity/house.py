"""A house to let people into: identity's database and secrets, with a clock that the tests move."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from contracts.identity import Role
from services.identity import queries
from services.identity.commands.operators import Credentials, NewOperator, register_operator
from services.identity.commands.sessions import Granted, SignIn, sign_in
from services.identity.models import Operator
from services.identity.passwords import Passwords
from services.identity.sealing import Vault
from services.identity.security import Security
from services.identity.settings import Settings

KEY_SECRET = "a secret of the tests with more than 32 characters"
PASSWORD = "seven brown kettles on a shelf"
STEP = timedelta(seconds=30)


def settings_for(database_url: str, **knobs: Any) -> Settings:
    return Settings(
        environment="local", database_url=database_url, key_secret=KEY_SECRET, database_pool_size=5, **knobs
    )


@dataclass(frozen=True)
class Person:
    """An operator as themselves: they know their password and carry their authenticator."""

    id: UUID
    email: str
    name: str
    totp_secret: str
    password: str = PASSWORD

    def code(self, clock: FixedClock, *, steps: int = 0) -> str:
        return pyotp.TOTP(self.totp_secret).at(clock.now() + steps * STEP)


@dataclass(frozen=True)
class Asker:
    """Who holds an access token."""

    id: UUID
    name: str
    session_id: UUID


class House:
    def __init__(self, database: Database, settings: Settings, clock: FixedClock, passwords: Passwords) -> None:
        self.database = database
        self.clock = clock
        self.security = Security(settings, clock, Vault(KEY_SECRET), passwords)
        self._password_hash = ""

    def with_settings(self, **knobs: Any) -> Security:
        return Security(
            self.security.settings.model_copy(update=knobs), self.clock, self.security.vault, self.security.passwords
        )

    async def person(self, role: Role = Role.ADMIN, name: str = "Robin Field") -> Person:
        """Enrolled and ready to sign in."""
        person = Person(new_id(), f"{new_id().hex}@waybill.example", name, pyotp.random_base32())
        # They all have the same password: to hash it anew for each of them would be most of their cost.
        self._password_hash = self._password_hash or await self.security.passwords.hash(PASSWORD)
        credentials = Credentials(self._password_hash, person.totp_secret)
        async with self.database.transaction() as session:
            new = NewOperator(person.email, name, role)
            row = await register_operator(session, new, credentials, self.security)
        return Person(row.id, person.email, name, person.totp_secret)

    def knock(self, person: Person, **wrong: str) -> SignIn:
        """What they send to sign in, with whatever is `wrong` of it."""
        right = {"email": person.email, "password": person.password, "totp_code": person.code(self.clock)}
        return SignIn(**{"address": "203.0.113.7", **right, **wrong})

    async def sign_in(self, person: Person, **wrong: str) -> Granted:
        return await sign_in(self.database, self.knock(person, **wrong), self.security)

    async def asker(self, role: Role = Role.SUPER_ADMIN) -> Asker:
        """A new person of that role, signed in."""
        return asker_of(await self.sign_in(await self.person(role)))

    async def row(self, operator_id: UUID) -> Operator:
        async with self.database.reading() as session:
            found = await queries.operator(session, operator_id)
        assert found is not None
        return found

    async def is_live(self, granted: Granted | Asker) -> bool:
        session_id = granted.session_id if isinstance(granted, Asker) else granted.session.id
        operator_id = granted.id if isinstance(granted, Asker) else granted.operator.id
        async with self.database.reading() as session:
            row = await queries.session_of(session, session_id, operator_id)
        return row is not None and row.is_live(self.clock.now())


def asker_of(granted: Granted) -> Asker:
    return Asker(granted.operator.id, granted.operator.name, granted.session.id)
