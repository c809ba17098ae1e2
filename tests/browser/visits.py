"""What a browser test holds in its hands: the rooms with their arrangements, and visits of people to them."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.http.auth import ACCESS_COOKIE
from contracts.identity import Role
from services.identity.commands.sessions import OpenSession, open_session, renew_access
from services.identity.http.console import REFRESH_COOKIE, REFRESH_PATH
from tests.billing.arrangements import Books
from tests.browser.building import Building
from tests.browser.install import AXE
from tests.identity.house import STEP, House, Person
from tests.payouts.arrangements import Office
from tests.routing.arrangements import Floor

STALE = timedelta(minutes=10)
"""As old as no second factor may be that money is moved with."""


@dataclass
class Rooms:
    """Where the pages are, who may enter, and the commands that arrange what they show.

    All services share `clock`, which stands at 3 March 2026 until a test moves it (`rooms.clock.instant = ...`). What a
    service's own tests arrange with is here on its committed rows: `floor` (routing), `books` (billing), `office`
    (payouts); intake's and notifications' samples take `database("intake")` and `database("notifications")`. A service
    starts when its address, its database or its arrangements are first asked for: a test that follows a link to another
    service asks for that one's address.
    """

    building: Building

    def address(self, service: str, path: str = "") -> str:
        return self.building.address(service) + path

    def database(self, service: str) -> Database:
        """Units of work in the test's event loop; what they commit the pages see."""
        return self.building.database(service)

    @property
    def clock(self) -> FixedClock:
        return self.building.business

    @property
    def house(self) -> House:
        return self.building.house

    @property
    def identity(self) -> str:
        return self.address("identity")

    @property
    def routing(self) -> str:
        return self.address("routing")

    @cached_property
    def floor(self) -> Floor:
        return Floor(self.database("routing"), self.clock)

    @cached_property
    def books(self) -> Books:
        """Without a key for Stripe, as the pages are: its references are typed in."""
        return Books(self.database("billing"), self.clock)

    @cached_property
    def office(self) -> Office:
        """Its Stripe is the pages' own, with funds."""
        machine = FixedClock(self.building.machine.now())
        return Office(self.database("payouts"), self.building.stripe, self.clock, machine)

    async def person(self, role: Role = Role.ADMIN, name: str = "Robin Field") -> Person:
        return await self.house.person(role, name)

    async def tokens(self, person: Person, *, is_stepped_up: bool = True) -> tuple[str, str]:
        """The access and the refresh token of a new session, by identity's commands but without a password's hash.

        Spends the one-time code of a step that is over: the present one is still good for a page that asks for it.
        """
        security = self.house.security
        then = FixedClock(self.house.clock.now() - (STEP if is_stepped_up else STALE))
        row = await self.house.row(person.id)
        opening = OpenSession(person.id, row.password_hash, person.code(then), ())
        async with self.house.database.transaction() as session:
            granted = await open_session(session, opening, replace(security, clock=then))
        async with self.house.database.transaction() as session:
            renewed = await renew_access(session, granted.refresh_token, security)
        return renewed.access.token, granted.refresh_token


@dataclass
class Visit:
    """A page of one browser profile; what its console complains about fails the test."""

    page: Page
    context: BrowserContext
    rooms: Rooms
    complaints: list[str] = field(default_factory=list)

    async def enter(self, who: Person | Role, address: str, *, is_stepped_up: bool = True) -> Person:
        """Opens `address` as somebody who is signed in already; a role is a new person of that role.

        Their second factor is fresh unless told otherwise; then a page that moves money asks for the code, which is
        `person.code(rooms.house.clock)`.
        """
        person = await self.rooms.person(who) if isinstance(who, Role) else who
        access, refresh = await self.rooms.tokens(person, is_stepped_up=is_stepped_up)
        for name, value, path in ((ACCESS_COOKIE, access, "/"), (REFRESH_COOKIE, refresh, REFRESH_PATH)):
            # A cookie belongs to a host, not to a port: it opens the rooms of all services.
            await self.context.add_cookies(
                [
                    {
                        "name": name,
                        "value": value,
                        "domain": "127.0.0.1",
                        "path": path,
                        "httpOnly": True,
                        "sameSite": "Lax",
                    }
                ]
            )
        await self.page.goto(address)
        return person

    async def sign_in(self, person: Person, address: str) -> None:
        """Opens `address`, and signs in by the form where that leads. Who only wants to be in takes `enter`."""
        await self.page.goto(address)
        await self.fill_sign_in(person)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url(address)

    async def fill_sign_in(self, person: Person, **wrong: str) -> None:
        await self.page.get_by_label("E-mail").fill(person.email)
        await self.page.get_by_label("Password").fill(wrong.get("password", person.password))
        await self.page.get_by_label("One-time code").fill(person.code(self.rooms.house.clock))

    async def violations(self, *rules: str) -> list[str]:
        """What axe finds against WCAG 2.2 AA and good practice, or against these rules of its alone."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        # The rule of WCAG 2.2 that axe does not ask for by itself.
        asked = {"runOnly": list(rules)} if rules else {"rules": {"target-size": {"enabled": True}}}
        # What passes is of no interest, and no page has styles from elsewhere that axe would have to fetch first.
        options = {"reporter": "no-passes", "preload": False, **asked}
        found = await self.page.evaluate("async options => (await axe.run(options)).violations", options)
        return [f"{each['id']}: {node['target']} {_told(node)}" for each in found for node in each["nodes"]]

    def note(self, message: ConsoleMessage) -> None:
        # A refusal is a page with a status of its own, which the browser reports as well.
        is_refusal = "the server responded with a status of 4" in message.text
        is_vacant = self.rooms.building.is_vacant(message.location["url"])
        if message.type in {"error", "warning"} and not is_refusal and not is_vacant:
            self.complaints.append(message.text)


def _told(node: dict[str, Any]) -> str:
    """What each check of axe had to say of it."""
    return "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])
