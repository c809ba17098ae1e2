"""A service's share of what spans them all: who sees what of it, how it is drawn, and which pages may read it."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from importlib import import_module
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.console.desk import Backlog, Bar, Card, Chart, Desk, Figure, Finder, Hit, Waiting, once
from chassis.http.auth import ACCESS_COOKIE
from chassis.process import assemble
from chassis.settings import Environment, Shape
from contracts.identity import Capability, Role
from deploy import SERVICES
from services.routing.settings import Settings
from tests.chassis.http.serving import in_process
from tests.flows.doors import NOWHERE, built
from tests.kit.identity import CSRF, TestIdentity

NOW = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
HERE, THERE, ELSEWHERE = "http://127.0.0.1:8002", "http://127.0.0.1:8001", "https://evil.example"
BROWSER = {"Accept": "text/html"}
DESK = "/console/desk/routing"


async def find_leads(_session: AsyncSession, text: str) -> list[Hit]:
    return [Hit(f"Lead {n} <{text}>", "Marrickville", f"/console/leads/{n}") for n in range(7)]


async def find_nothing(_session: AsyncSession, _text: str) -> list[Hit]:
    return []


async def two_old(_session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(2, now - timedelta(hours=3))


async def none(_session: AsyncSession, _now: datetime) -> Backlog:
    return Backlog(0)


async def takings(_session: AsyncSession, _now: datetime) -> Figure:
    return Figure("$38,214.50", "$2,100.00 more than a week ago")


async def takings_of_march(_session: AsyncSession, _now: datetime) -> Figure:
    return Figure("$2,100.00", path="/console/receivables?month=3")


async def months(_session: AsyncSession, _now: datetime) -> list[Bar]:
    return [Bar("January", 50, "50 leads", "/console/leads?month=1", 100), Bar("February", 25, "25 leads", "/x", 0)]


def leads_wait(number: int) -> str:
    return f"{number} {'lead waits' if number == 1 else 'leads wait'} for an operator"


FULL = Desk(
    finders=(
        Finder("Leads", Capability.READ_OPS, find_leads),
        Finder("Secrets", Capability.MANAGE_ADMIN_ACCESS, find_leads),
        Finder("Installers", None, find_nothing),
    ),
    waiting=(
        Waiting("exceptions", None, lambda n: f"{n} in time", "/console/exceptions", two_old, timedelta(days=1)),
        Waiting("exceptions", Capability.READ_OPS, leads_wait, "/console/exceptions", two_old, timedelta(hours=1)),
        Waiting("payouts", Capability.MANAGE_ADMIN_ACCESS, leads_wait, "/console/payouts", two_old),
        Waiting("tickets", None, leads_wait, "/console/tickets", none),
    ),
    cards=(
        Card("Outstanding", Capability.MANAGE_BILLING_OPS, "/console/receivables", takings),
        Card("Outstanding in March", Capability.MANAGE_BILLING_OPS, "/console/receivables", takings_of_march),
    ),
    charts=(Chart("Leads", None, "Of each month; grey is the year before", months),),
)


@pytest.fixture(scope="module")
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as identity:
        yield identity


@pytest.fixture(scope="module")
async def client(identity: TestIdentity) -> AsyncIterator[httpx.AsyncClient]:
    async with serving_desk(identity, FULL) as client:
        yield client


@asynccontextmanager
async def serving_desk(identity: TestIdentity, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=NOWHERE,
        environment=Environment.LOCAL,
        identity_jwks_url=identity.jwks_url,
        console_addresses={"routing": HERE, "identity": THERE},
    )
    service = import_module("services.routing.main").build(settings, clock=FixedClock(NOW))
    service.dependencies = {**service.dependencies, "desk": desk}
    async with in_process(assemble(service, Shape.API)) as client:
        yield client


def signed_in(identity: TestIdentity, role: Role = Role.EDITOR) -> dict[str, str]:
    return {"Cookie": f"{ACCESS_COOKIE}={identity.token_of(role)}"}


class TestSearch:
    async def test_shows_the_first_five_of_each_kind_that_the_operator_may_see(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        answer = await client.get(f"{DESK}/search", params={"q": "  b&b ", "part": 1}, headers=signed_in(identity))
        assert answer.text.count("<li>") == 5
        assert "Lead 0 &lt;b&amp;b&gt;" in answer.text
        assert f'href="{HERE}/console/leads/0"' in answer.text
        assert "Secrets" not in answer.text
        assert "Installers" not in answer.text

    async def test_is_a_page_of_its_own_with_links_to_the_other_services(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        answer = await client.get(f"{DESK}/search?q=0400", headers=signed_in(identity) | BROWSER)
        assert "<h1>Search</h1>" in answer.text
        assert f'href="{THERE}/console/desk/identity/search?q=0400"' in answer.text

    @pytest.mark.parametrize("text", ["", " a "])
    async def test_asks_no_finder_for_less_than_two_characters(
        self, client: httpx.AsyncClient, identity: TestIdentity, text: str
    ) -> None:
        answer = await client.get(f"{DESK}/search", params={"q": text}, headers=signed_in(identity))
        assert answer.status_code == HTTPStatus.OK
        assert "Lead 0" not in answer.text

    async def test_refuses_what_is_longer_than_any_id(self, client: httpx.AsyncClient, identity: TestIdentity) -> None:
        answer = await client.get(f"{DESK}/search", params={"q": "x" * 201}, headers=signed_in(identity))
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


class TestToday:
    async def test_lists_what_waits_the_late_first(self, client: httpx.AsyncClient, identity: TestIdentity) -> None:
        told = (await client.get(f"{DESK}/today?part=1", headers=signed_in(identity))).text
        assert told.index("2 leads wait for an operator") < told.index("2 in time")
        assert told.count("breached") == 1
        assert "limit 1 h" in told
        assert told.count("<li") == 2

    async def test_shows_figures_to_those_alone_who_may_see_them(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        shown = {role: await client.get(f"{DESK}/today", headers=signed_in(identity, role)) for role in Role}
        assert {role for role, answer in shown.items() if "$38,214.50" in answer.text} == {
            Role.ADMIN,
            Role.SUPER_ADMIN,
        }

    async def test_a_figure_leads_where_its_card_does_or_to_rows_of_its_own(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        page = (await client.get(f"{DESK}/today", headers=signed_in(identity, Role.ADMIN))).text
        assert re.findall(r'class="card" href="[^"]*(/console/[^"]*)"', page) == [
            "/console/receivables",
            "/console/receivables?month=3",
        ]

    async def test_draws_bars_from_zero_with_the_same_as_a_table(
        self, client: httpx.AsyncClient, identity: TestIdentity
    ) -> None:
        told = (await client.get(f"{DESK}/today?part=1", headers=signed_in(identity))).text
        assert '<rect class="then" width="100.0" height="12"/><rect width="50.0"' in told
        assert '<rect class="then" width="0.0" height="12"/><rect width="25.0"' in told
        assert told.count(f'href="{HERE}/console/leads?month=1"') == 2
        assert told.count(">50 leads<") == 2
        assert " style=" not in told

    async def test_is_empty_where_a_service_tells_nothing(self, identity: TestIdentity) -> None:
        async with serving_desk(identity, Desk()) as client:
            assert (await client.get(f"{DESK}/today?part=1", headers=signed_in(identity))).text.strip() == ""
            assert "Nothing waits" in (await client.get(f"{DESK}/today", headers=signed_in(identity))).text


class TestWhatIsAskedOnce:
    """By a query that notes what it is asked and tells nothing the first time."""

    @pytest.fixture(autouse=True)
    def _nothing_asked(self) -> None:
        self.asked: list[tuple[int, str]] = []

    async def query(self, _session: AsyncSession, number: int, *, word: str = "") -> int | None:
        self.asked.append((number, word))
        return len(self.asked) - 1 or None

    async def test_is_told_to_all_that_ask_for_the_same_on_a_page(self) -> None:
        page = AsyncSession()
        told = [await once(page, self.query, number) for number in (7, 7, 8, 7)]
        told += [await once(page, self.query, 7, word="so") for _ in range(2)]
        assert told == [None, None, 1, None, 2, 2]
        assert self.asked == [(7, ""), (8, ""), (7, "so")]

    async def test_is_asked_anew_for_the_next_page(self) -> None:
        assert [await once(AsyncSession(), self.query, 7) for _ in range(2)] == [None, 1]


class TestWaiting:
    async def test_is_a_number_by_room(self, client: httpx.AsyncClient, identity: TestIdentity) -> None:
        answer = await client.get(f"{DESK}/waiting", headers=signed_in(identity))
        assert answer.json() == {"exceptions": 4, "tickets": 0}
        assert answer.headers["cache-control"] == "no-store"


PAGES = ("search?q=0400&part=1", "today?part=1", "waiting")


@pytest.mark.parametrize("page", PAGES)
class TestSharing:
    async def test_lets_our_other_addresses_read_it(
        self, client: httpx.AsyncClient, identity: TestIdentity, page: str
    ) -> None:
        answer = await client.get(f"{DESK}/{page}", headers=signed_in(identity) | {"Origin": THERE})
        assert answer.headers["access-control-allow-origin"] == THERE
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"

    @pytest.mark.parametrize("origin", [ELSEWHERE, f"{THERE}.evil.example", "null", "http://127.0.0.1:80010"])
    async def test_lets_nobody_else(
        self, client: httpx.AsyncClient, identity: TestIdentity, page: str, origin: str
    ) -> None:
        for answer in (
            await client.get(f"{DESK}/{page}", headers=signed_in(identity) | {"Origin": origin}),
            await client.get(f"{DESK}/{page}", headers={"Origin": origin}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert answer.headers["vary"] == "Origin"

    async def test_tells_a_script_of_an_ended_session_instead_of_redirecting_it(
        self, client: httpx.AsyncClient, page: str
    ) -> None:
        headers = {"Origin": THERE} | ({} if page == "waiting" else BROWSER)
        answer = await client.get(f"{DESK}/{page}", headers=headers)
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        assert answer.json()["type"] == "urn:waybill:problem:not_signed_in"
        assert answer.headers["access-control-allow-origin"] == THERE


async def test_no_other_page_is_shared(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    answer = await client.get("/console/exceptions", headers=signed_in(identity) | BROWSER | {"Origin": THERE})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_page_may_ask_our_own_addresses_and_no_others(
    client: httpx.AsyncClient, identity: TestIdentity
) -> None:
    answer = await client.get(f"{DESK}/today", headers=signed_in(identity))
    policy = answer.headers["content-security-policy"].split("; ")
    assert f"connect-src 'self' {THERE} {HERE}" in policy


class TestFormsOfAnEarlierSession:
    """Kept with the mark of the one that is now, for one more press."""

    PATH = "/console/exceptions/0199a000-0000-7000-8000-0000000000a1/resolve"

    async def resent(self, client: httpx.AsyncClient, identity: TestIdentity, site: str) -> str:
        sent: dict[str, Any] = {"data": {"reason": "<b>two</b> calls"}}
        headers = signed_in(identity) | BROWSER | {"Sec-Fetch-Site": site}
        answer = await client.post(self.PATH, headers=headers, **sent)
        assert answer.status_code == HTTPStatus.FORBIDDEN
        return answer.text

    async def test_are_shown_with_the_new_mark(self, client: httpx.AsyncClient, identity: TestIdentity) -> None:
        told = await self.resent(client, identity, "same-origin")
        assert (
            f'name="csrf" value="{CSRF}"><input type="hidden" name="reason" value="&lt;b&gt;two&lt;/b&gt; calls"'
            in told
        )
        assert "Send again" in told

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    async def test_are_not_where_another_page_sent_them(
        self, client: httpx.AsyncClient, identity: TestIdentity, site: str
    ) -> None:
        assert "Send again" not in await self.resent(client, identity, site)


async def test_a_script_is_told_where_its_form_leads(client: httpx.AsyncClient, identity: TestIdentity) -> None:
    """The refusal too is for it: as a document, not as a page."""
    headers = signed_in(identity) | {"Accept": "application/json"}
    answer = await client.post(TestFormsOfAnEarlierSession.PATH, data={"csrf": CSRF}, headers=headers)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.json()["errors"][0]["field"] == "reason"


@pytest.mark.parametrize("service", SERVICES)
async def test_each_whose_lists_have_bulk_actions_calls_for_what_they_left_failed(
    service: str, identity: TestIdentity
) -> None:
    given = built(service, identity).dependencies
    called = [each.path for each in given["desk"].waiting if each.room == "bulk-actions"]
    assert called == [f"/console/desk/{service}/bulk-actions?failing=true"] * ("bulk" in given)
