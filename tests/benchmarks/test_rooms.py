"""A room is measured as its page is made: what it sends to the database runs again beside it, and alone."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.rooms import PageFailed, Speed, answer, speed_of
from chassis.clock import FixedClock
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.routing.main import build
from services.routing.settings import Settings
from tests.chassis.http.serving import in_process
from tests.kit.identity import TestIdentity
from tests.routing.arrangements import NOW, committing, lead

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("benchmarks")]

PATH = "/console/exceptions?state=open"


@dataclass
class Routing:
    """With two leads in its exception queue."""

    app: Litestar
    engine: AsyncEngine
    url: str
    identity: TestIdentity

    async def speed(self, path: str = PATH, role: Role = Role.EDITOR) -> Speed:
        return await speed_of(self.app, self.engine, self.url, path, self.identity.token_of(role), requests=4)


@pytest.fixture
async def routing(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Routing]:
    database, clock = fresh_database("routing"), FixedClock(NOW)
    async with committing(database, clock) as floor:
        await floor.dispatch(lead(), lead())
    with TestIdentity() as identity:
        settings = Settings(environment="local", database_url=database.url, identity_jwks_url=identity.jwks_url)
        service = build(settings, clock=clock)
        app = assemble(service, Shape.API)
        async with in_process(app):
            yield Routing(app, service.database.engine, database.url, identity)


async def test_the_page_is_the_one_that_an_operator_sees(routing: Routing) -> None:
    page = await answer(routing.app, PATH, routing.identity.token_of(Role.EDITOR))
    assert page.decode().count('<th scope="row">') == 2


async def test_a_page_and_its_bare_sql_are_measured_as_often(routing: Routing) -> None:
    speed = await routing.speed()
    assert len(speed.page) == len(speed.bare) == 4
    assert speed.statements > 0
    assert all(taken > 0 for taken in (*speed.page, *speed.bare))


async def test_a_page_that_is_not_there_is_not_measured(routing: Routing) -> None:
    with pytest.raises(PageFailed, match="404"):
        await routing.speed("/console/nothing-here")
