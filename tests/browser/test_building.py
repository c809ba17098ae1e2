"""What the tests of the rooms stand on: six services, one session, and nothing left of the test before."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import pytest
from playwright.async_api import expect
from sqlalchemy import text

from contracts.identity import Role
from deploy import SERVICES
from tests.browser.conftest import Rooms
from tests.intake.samples import new_client
from tests.kit.identity import bearer
from tests.notifications.samples import draft, queue

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
APRIL = datetime(2026, 4, 2, tzinfo=UTC)


async def rows_of(rooms: Rooms, service: str, table: str) -> int:
    async with rooms.database(service).reading() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


@pytest.mark.parametrize("service", SERVICES)
async def test_who_has_entered_is_known_to_every_service(rooms: Rooms, visit: Visits, service: str) -> None:
    here = await visit()
    person = await here.enter(Role.EDITOR, rooms.address(service, "/admin/design"))
    await expect(here.page).to_have_title(re.compile("Design"))
    await expect(here.page.get_by_text(person.name).first).to_be_visible()


async def arrange_everywhere(rooms: Rooms) -> None:
    """At a time when March can be billed."""
    rooms.clock.instant = APRIL
    await rooms.floor.installer()
    await rooms.books.issued_invoice()
    await rooms.office.ready_payout()
    await new_client(rooms.database("intake"))
    await queue(rooms.database("notifications"), draft())
    await rooms.person()


TABLES = {
    "identity": "operators",
    "intake": "clients",
    "routing": "installers",
    "billing": "invoices",
    "payouts": "payouts",
    "notifications": "messages",
}


@pytest.mark.parametrize("turn", [1, 2])
async def test_every_test_begins_with_nothing_but_what_the_migrations_brought(rooms: Rooms, turn: int) -> None:
    assert {table: await rows_of(rooms, service, table) for service, table in TABLES.items()} == dict.fromkeys(
        TABLES.values(), 0
    ), turn
    assert await rows_of(rooms, "routing", "auto_dispatch") == 1
    await arrange_everywhere(rooms)
    async with rooms.database("routing").transaction() as session:
        await session.execute(text("UPDATE auto_dispatch SET is_enabled = false"))


async def test_an_invoice_of_the_books_is_issued_at_the_time_of_the_rooms(rooms: Rooms) -> None:
    rooms.clock.instant = APRIL
    assert (await rooms.books.issued_invoice()).issued_at == rooms.clock.now()


@pytest.mark.parametrize("is_stepped_up", [True, False])
async def test_the_present_code_is_still_good_for_who_has_entered(rooms: Rooms, is_stepped_up: bool) -> None:
    person = await rooms.person(Role.SUPER_ADMIN)
    access, _ = await rooms.tokens(person, is_stepped_up=is_stepped_up)
    proven_at = jwt.decode(access, options={"verify_signature": False})["mfa_at"]
    assert (rooms.house.clock.now().timestamp() - proven_at < 300) is is_stepped_up
    code = {"totp_code": person.code(rooms.house.clock)}
    async with httpx.AsyncClient(base_url=rooms.identity, headers=bearer(access), trust_env=False) as client:
        assert (await client.post("/sessions/step-up", json=code)).status_code == 200
