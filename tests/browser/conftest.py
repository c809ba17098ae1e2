"""A real Chromium before real pages: identity and routing on databases of their own, each behind its own port."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from chassis.clock import FixedClock, SystemClock
from chassis.database import Database, create_engine
from chassis.process import assemble
from chassis.service import database_of
from chassis.settings import Environment, Shape
from contracts.identity import Role
from deploy.local.paths import free_port
from deploy.local.postgres import ServiceDatabase
from services.identity.main import build as build_identity
from services.identity.passwords import Passwords
from services.identity.security import security_of
from services.routing.main import build as build_routing
from services.routing.settings import Settings as RoutingSettings
from tests.browser.install import AXE, CHROMIUM, LIBRARIES, missing_libraries
from tests.chassis.http.serving import serving
from tests.identity.house import House, Person, settings_for
from tests.routing.arrangements import Floor, committing

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-background-networking", "--headless"]
PATIENCE_MS = 10_000
NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)


@dataclass
class Rooms:
    """Where the pages are, who may sign in, and routing's commands to arrange what they show."""

    identity: str
    routing: str
    house: House
    floor: Floor
    clock: FixedClock

    async def person(self, role: Role = Role.ADMIN) -> Person:
        return await self.house.person(role, "Robin Field")


@dataclass
class Visit:
    """A page of one browser profile; what its console complains about fails the test."""

    page: Page
    context: BrowserContext
    rooms: Rooms
    complaints: list[str] = field(default_factory=list)

    async def sign_in(self, person: Person, address: str) -> None:
        """Opens `address`, and signs in where that leads."""
        await self.page.goto(address)
        await self.fill_sign_in(person)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(address)

    async def fill_sign_in(self, person: Person, **wrong: str) -> None:
        await self.page.get_by_label("E-mail").fill(person.email)
        await self.page.get_by_label("Password").fill(wrong.get("password", person.password))
        await self.page.get_by_label("One-time code").fill(person.code(self.rooms.house.clock))

    async def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA and good practice."""
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("axe.run()")
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    environment: dict[str, str | float | bool] = {**os.environ}
    if missing_libraries():
        environment["LD_LIBRARY_PATH"] = str(LIBRARIES)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=environment)
        yield browser
        await browser.close()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """The house's own: the application closes its pool of threads with itself."""
    made = _passwords()
    yield made
    await made.close()


def _passwords() -> Passwords:
    return security_of(settings_for("postgresql://nobody@127.0.0.1:9/none"), SystemClock()).passwords


@pytest.fixture
async def rooms(fresh_database: Callable[[str], ServiceDatabase], passwords: Passwords) -> AsyncIterator[Rooms]:
    of_identity, of_routing = fresh_database("identity"), fresh_database("routing")
    ports = {"identity": free_port(), "routing": free_port()}
    addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    machine, business = FixedClock(datetime.now(UTC)), FixedClock(NOW)
    settings = settings_for(of_identity.url, console_addresses=addresses)
    house = House(database_of("identity", settings), settings, machine, passwords)
    # The pages are served from threads with event loops of their own, and so with engines of their own.
    served = House(Database(create_engine(of_identity.url), "/waybill/identity"), settings, machine, _passwords())
    identity = build_identity(settings, security=served.security, database=served.database)
    routing = build_routing(
        RoutingSettings(
            environment=Environment.LOCAL,
            database_url=of_routing.url,
            identity_jwks_url=f"{addresses['identity']}/.well-known/jwks.json",
            console_addresses=addresses,
        ),
        clock=business,
    )
    with ExitStack() as stack:
        stack.enter_context(serving(assemble(identity, Shape.API), ports["identity"], until_all_left=True))
        stack.enter_context(serving(assemble(routing, Shape.API), ports["routing"], until_all_left=True))
        async with committing(of_routing, business) as floor:
            yield Rooms(addresses["identity"], addresses["routing"], house, floor, business)
    await house.database.close()


@pytest.fixture
async def visit(browser: Browser, rooms: Rooms) -> AsyncIterator[Callable[..., Any]]:
    """`await visit()` opens a profile of its own; options are of Playwright's `new_context`."""
    visits: list[Visit] = []

    async def make(**options: Any) -> Visit:
        context = await browser.new_context(**{"viewport": WIDE, **options})
        context.set_default_timeout(PATIENCE_MS)
        made = Visit(await context.new_page(), context, rooms)
        context.on("console", lambda message: _note(made, message))
        context.on("weberror", lambda error: made.complaints.append(str(error.error)))
        visits.append(made)
        return made

    yield make
    for each in visits:
        await each.context.close()
    assert [complaint for each in visits for complaint in each.complaints] == []


def _note(visit: Visit, message: ConsoleMessage) -> None:
    # A refusal is a page with a status of its own, which the browser reports as well.
    if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
        visit.complaints.append(message.text)


@pytest.fixture(scope="session", autouse=True)
def _there_is_a_browser() -> None:
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing: `make test` installs it"
