"""A list is measured on the page that was asked for, and its CSV is read to the end."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from litestar import Litestar

from benchmarks.filled import INTAKE
from benchmarks.programs.lists import LISTS
from benchmarks.rooms import PageFailed, answer, path_of_page
from benchmarks.workers.list_csv import read
from chassis.clock import FixedClock
from chassis.process import assemble
from chassis.settings import Shape
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.intake.main import build
from services.intake.settings import Settings
from tests.chassis.http.serving import in_process
from tests.intake.reception import Reception
from tests.intake.samples import NOW, committing
from tests.kit.identity import TestIdentity

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("benchmarks")]

LEADS = 52


@dataclass
class Intake:
    app: Litestar
    token: str


@pytest.fixture
async def intake(fresh_database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Intake]:
    """With a page of leads and two more."""
    database, clock = fresh_database("intake"), FixedClock(NOW)
    async with committing(database) as ours:
        reception = Reception(ours, clock)
        _, key = await reception.source()
        for _ in range(LEADS):
            await reception.lead(key)
    with TestIdentity() as identity:
        settings = Settings(environment="local", database_url=database.url, identity_jwks_url=identity.jwks_url)
        app = assemble(build(settings, clock=clock), Shape.API)
        async with in_process(app):
            yield Intake(app, identity.token_of(Role.SUPER_ADMIN))


async def test_a_later_page_is_found_from_the_one_before(intake: Intake) -> None:
    path = await path_of_page(intake.app, "/console/leads", intake.token, 2)
    page = await answer(intake.app, path, intake.token)
    assert page.decode().count('<th scope="row">') == LEADS - 50
    with pytest.raises(PageFailed, match="no page 3"):
        await path_of_page(intake.app, "/console/leads", intake.token, 3)


async def test_each_view_is_a_page_and_its_filters_are_the_lists_own(intake: Intake) -> None:
    """Nothing was delivered, waits or is to be followed up: a filter that a list does not know would show all of it."""
    views = [(listed, query) for listed in LISTS if listed.filled is INTAKE for _, query, _ in listed.views]
    shown = []
    for listed, query in views:
        page = await answer(intake.app, f"{listed.path}?{query}", intake.token)
        shown.append('<th scope="row">' in page.decode())
    assert shown == [not query and listed.title != "Follow-ups" for listed, query in views]


async def test_a_csv_is_read_to_its_end_while_the_memory_is_looked_at(intake: Intake) -> None:
    reader = await read(intake.app, "/console/leads", intake.token)
    assert reader.rows == LEADS
    assert 0 < reader.first_bytes <= reader.peak_bytes
