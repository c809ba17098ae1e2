"""A working source, a lead as a source would hand it in, and a look into the tables."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from contracts.values import AustralianState, SelectedPath
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.boards import OpenBoard, open_board
from services.intake.commands.clients import ClientTerms, create_client
from services.intake.commands.leads.taking import TakeLead
from services.intake.commands.screening import Screener, Step, give_keys, index_for_search
from services.intake.commands.sources import create_source
from services.intake.domain import LeadContent
from services.intake.keyring import KeyRing
from services.intake.models import Board, Client
from services.intake.queries import LiveKey

NOW = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """An operator, as the audit sees one."""

    id: UUID
    name: str


OPERATOR = Person(UUID("0199a000-0000-7000-8000-0000000000f1"), "Robin Field")

CONTENT = LeadContent(
    selected_path=SelectedPath.COMPARE_QUOTES,
    service="solar-battery",
    name="Mia O'Brien",
    email="mia.obrien@example.test",
    phone="+61412345678",
    street="12 Cadogan Street",
    suburb="Marrickville",
    state=AustralianState.NSW,
    postcode="2204",
    consent_text="I agree to be called about quotes.",
    consent_url="https://quotes.example/solar",
)


def someone(number: int, **changes: Any) -> LeadContent:
    """Like nobody of another number."""
    other = {
        "name": f"Person {number}",
        "email": f"person-{number}@post.example",
        "phone": f"+61413{number:06d}",
        "street": f"{number + 1} Wattle Road",
    }
    return replace(CONTENT, **{**other, **changes})


def submission(**changes: Any) -> dict[str, Any]:
    """The body of a valid `POST /leads`; a field given as None is left out."""
    body = {
        "client_submission_key": "form-7731",
        "selected_path": "compare_quotes",
        "service": "solar-battery",
        "name": " Mia  O'Brien ",
        "email": "mia.obrien@Example.test",
        "phone": "0412 345 678",
        "address": {"street": "12 Cadogan Street", "suburb": "Marrickville", "state": "NSW", "postcode": "2204"},
        "consent": {"text": "I agree to be called about quotes.", "url": "https://quotes.example/solar"},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@asynccontextmanager
async def committing(given: ServiceDatabase, pool_size: int = 10) -> AsyncIterator[Database]:
    """A database whose commits are real, for two units of work at once."""
    ours = Database(create_engine(given.url, pool_size=pool_size), "/waybill/intake")
    yield ours
    await ours.close()


async def working_source(database: Database, name: str = "Solar Quotes") -> tuple[str, LiveKey]:
    """A new source's API key, and the key as it is once recognised."""
    async with database.transaction() as session:
        keyed = await create_source(session, name, OPERATOR, NOW)
    return keyed.api_key, await KeyRing(database, remember_seconds=0).holder(keyed.api_key)


LET_IN: Sequence[Step] = (index_for_search, give_keys)
"""What tests of other things need: one person's many leads are all let in."""


async def screened(database: Database, now: datetime = NOW, steps: Sequence[Step] = LET_IN) -> None:
    """All that was taken in goes on its way."""
    screener = Screener(database, FixedClock(now), steps)
    while await screener.step():
        continue


def taking(source: LiveKey, key: str = "form-7731", content: LeadContent = CONTENT) -> TakeLead:
    return TakeLead(source, key, content, "203.0.113.9", NOW)


async def rows(database: Database, query: str, **parameters: Any) -> list[dict[str, Any]]:
    async with database.reading() as session:
        return [dict(row) for row in (await session.execute(text(query), parameters)).mappings()]


LEAD_EVENTS = "outbox WHERE topic = 'intake.leads'"
"""For `count`: what is told of leads. Their source is told of too."""


async def count(database: Database, table: str) -> int:
    found: int = (await rows(database, f"SELECT count(*) AS n FROM {table}"))[0]["n"]
    return found


TERMS = ClientTerms(
    name="Wattle Advisory Pty Ltd",
    abn="51824753556",
    billing_name="Accounts Payable",
    billing_email="accounts@wattle.example",
    billing_address="Level 4, 20 Bond Street, Sydney NSW 2000",
    terms_days=30,
)


async def new_client(database: Database, terms: ClientTerms = TERMS) -> Client:
    async with database.transaction() as session:
        return await create_client(session, terms, OPERATOR, NOW)


async def new_board(database: Database, client: Client) -> Board:
    command = OpenBoard(client.id, "Market entry", 1_250_000, "AUD", "PO-4471", OPERATOR, NOW)
    async with database.transaction() as session:
        return await open_board(session, command)
