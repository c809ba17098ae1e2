"""Whatever is sent, identity answers as its document says."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from chassis.clock import FixedClock
from chassis.process import assemble
from chassis.service import database_of
from chassis.settings import Shape
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.identity.main import build
from services.identity.passwords import Passwords
from services.identity.settings import Settings
from tests.chassis.http.fuzzing import faults_found
from tests.chassis.http.serving import serving
from tests.identity.house import House, settings_for
from tests.kit.identity import bearer

# Of these a single call that succeeds ends the attacker's own session, and with it the attack on the others.
ENDING = ["/sessions/current", "/admin/signing-keys/rotate"]


@pytest.fixture
def settings(fresh_database: Callable[[str], ServiceDatabase]) -> Settings:
    return settings_for(fresh_database("identity").url)


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    with serving(assemble(build(settings), Shape.API)) as address:
        yield address


async def signed_in_headers(settings: Settings, passwords: Passwords) -> dict[str, str]:
    database = database_of("identity", settings)
    house = House(database, settings, FixedClock(datetime.now(UTC)), passwords)
    granted = await house.sign_in(await house.person(Role.SUPER_ADMIN))
    await database.close()
    return bearer(granted.access.token)


class TestEveryOperation:
    async def test_answers_as_documented_whatever_is_sent(
        self, settings: Settings, address: str, passwords: Passwords
    ) -> None:
        faults = faults_found(address, await signed_in_headers(settings, passwords), max_examples=8, leave_out=ENDING)
        assert not faults, "\n".join(faults)

    @pytest.mark.parametrize("path", ENDING)
    async def test_also_where_it_ends_the_session(
        self, settings: Settings, address: str, passwords: Passwords, path: str
    ) -> None:
        async with httpx.AsyncClient(base_url=address) as client:
            document = (await client.get("/schema/openapi.json")).json()
        others = [other for other in document["paths"] if other != path]
        faults = faults_found(address, await signed_in_headers(settings, passwords), max_examples=5, leave_out=others)
        assert not faults, "\n".join(faults)
