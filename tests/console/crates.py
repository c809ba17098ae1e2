"""A small house with one list, of crates, as a room would declare it: what the machinery does is seen on it."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from pydantic import Field
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import current_cause
from chassis.clock import FixedClock
from chassis.console import Form
from chassis.console.bulk import BulkAction, Comparison, Verdict, Work
from chassis.console.bulk.running import BulkRunner
from chassis.console.desk import Desk
from chassis.console.doors import at, nowhere
from chassis.console.fields import Dollars, FieldKind, FormField, Moment
from chassis.console.listing import (
    AHEAD,
    ME,
    NOW,
    Amount,
    Choice,
    Days,
    Empty,
    Exact,
    Flag,
    Kind,
    Listing,
    Search,
    Tab,
    Words,
    among,
    late_after,
    routes_of,
)
from chassis.console.listing import Column as Shown
from chassis.console.wording import money
from chassis.database import Database
from chassis.errors import Refusal
from chassis.http.app import build_app
from chassis.http.auth import ACCESS_COOKIE
from chassis.http.health import Health
from chassis.ids import new_id
from chassis.settings import Environment, ServiceSettings
from chassis.telemetry.context import current_request
from contracts.identity import Capability, Role
from tests.chassis.http.serving import in_process
from tests.kit.identity import CSRF, TestIdentity

TIME = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
PATH = "/console/crates"
DESK = Desk(doors={"crate": at(PATH + "/{}"), "nail": nowhere})

crates = Table(
    "crates",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("owner_id", Uuid),
    Column("cents", BigInteger, nullable=False),
    Column("packed_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True)),
)
COLUMNS = (
    "crates (id uuid PRIMARY KEY, name text NOT NULL, status text NOT NULL, owner_id uuid, "
    "cents bigint NOT NULL, packed_at timestamptz NOT NULL, due_at timestamptz)"
)


class Fragile(Refusal):
    code = "crate_fragile"
    title = "The crate is fragile"


class ShipForm(Form):
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class RepriceForm(Form):
    worth: Dollars
    packed_by: Moment | None = None
    kinds: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=3)] = []
    is_told: bool = False
    reason: Annotated[str, Field(min_length=1, max_length=200)]


async def reprice_fields(session: AsyncSession) -> tuple[FormField, ...]:
    """With what only the database knows."""
    number = await session.scalar(select(func.count()).select_from(crates))
    kinds = [("wood", "Wood"), ("tin", "Tin")]
    return (
        FormField("worth", "Worth", FieldKind.MONEY, is_required=True, hint=f"Of {number} crates in all"),
        FormField("packed_by", "Packed by", FieldKind.MOMENT),
        FormField("kinds", "Kinds", FieldKind.CHOICES, options=kinds),
        FormField("is_told", "Tell the owner", FieldKind.CHECK),
        FormField("reason", "Reason", FieldKind.PROSE, is_required=True),
    )


@dataclass
class Docks:
    """What goes wrong at the docks: names that are refused at the time, and names that break what ships them."""

    refusing: set[str] = field(default_factory=set)
    breaking: set[str] = field(default_factory=set)
    shipped: list[str] = field(default_factory=list)
    answered: list[tuple[str, str, UUID | None]] = field(default_factory=list)
    """Of each that was shipped: the request and the correlation, and of which bulk action it was."""

    async def look(self, session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
        rows = (await session.execute(select(crates).where(crates.c.id.in_(ids)))).all()
        return {row.id: Verdict(row.name, "it was shipped before" if row.status == "shipped" else "") for row in rows}

    async def look_with(
        self, session: AsyncSession, ids: Sequence[UUID], form: RepriceForm, now: datetime, _zone: ZoneInfo
    ) -> dict[UUID, Verdict]:
        seen = await self.look(session, ids, now)
        found = await session.execute(select(crates.c.id, crates.c.cents).where(crates.c.id.in_(ids)))
        cents = {row.id: row.cents for row in found}
        return {
            id_: verdict
            if verdict.why_not
            else Verdict(verdict.name, "it is worth that already")
            if cents[id_] == form.worth
            else Verdict(verdict.name, effect=f"worth {money(cents[id_])} → {money(form.worth)}")
            for id_, verdict in seen.items()
        }

    async def reprice(self, work: Work) -> None:
        assert isinstance(work.form, RepriceForm)
        async with work.transaction() as session:
            await session.execute(update(crates).where(crates.c.id == work.id).values(cents=work.form.worth))

    async def ship(self, work: Work) -> None:
        async with work.transaction() as session:
            name: str = (await session.execute(select(crates.c.name).where(crates.c.id == work.id))).scalar_one()
            await session.execute(update(crates).where(crates.c.id == work.id).values(status="shipped"))
            if name in self.refusing:
                raise Fragile("it is marked as fragile", crate_id=work.id)
            if name in self.breaking:
                raise ZeroDivisionError
        self.shipped.append(name)
        request, cause = current_request(), current_cause()
        assert request is not None
        assert cause is not None
        self.answered.append((request.request_id, cause.correlation_id, request.bulk_job_id))


def _without_dashes(text: str) -> str:
    return text.replace("-", "")


def _holds(word: str) -> ColumnElement[bool]:
    return crates.c.name.icontains(word, autoescape=True) | (crates.c.status == word)


def listing_of(docks: Docks) -> Listing:
    return Listing(
        name="crates",
        title="Crates",
        noun=("crate", "crates"),
        path=PATH,
        capability=Capability.READ_OPS,
        rows=select().select_from(crates),
        key=crates.c.id,
        order="-packed",
        columns=(
            Shown("name", "Crate", crates.c.name, sorts=True),
            Shown("status", "State", crates.c.status, Kind.CHIP, tone={"shipped": "positive"}),
            Shown("worth", "Worth", crates.c.cents, Kind.MONEY, sorts=True, sums=True),
            Shown(
                "packed",
                "Packed",
                crates.c.packed_at,
                Kind.AGO,
                sorts=True,
                is_late=late_after(timedelta(days=2), "packed"),
            ),
            Shown("due", "Due", crates.c.due_at, Kind.INSTANT, is_extra=True),
        ),
        filters=(
            Search("q", "Search", texts=(crates.c.name,), ids=(crates.c.id,), normal=_without_dashes),
            Choice("status", "State", options=among(crates.c.status, ["packed", "shipped"])),
            Words("words", "Words", holds=_holds, ids=(crates.c.id,)),
            Flag("mine", "My own", condition=crates.c.owner_id == ME),
            Exact("owner", "Owner", column=crates.c.owner_id),
            Days("packed", "Packed", column=crates.c.packed_at),
            Days("due", "Due", column=crates.c.due_at, stretches=AHEAD),
            Amount("worth", "Worth", column=crates.c.cents),
            Flag("overdue", "Overdue", condition=crates.c.due_at < NOW),
        ),
        tabs=(Tab("All"), Tab("Packed", "status=packed")),
        document=lambda row: f"{PATH}/{row.id}",
        empty=Empty("No crates", "A crate that is packed stands here."),
        comparison=Comparison(lambda one, other: f"{PATH}/{one}/beside/{other}"),
        bulk=(
            BulkAction(
                name="ship",
                label="Ship",
                capability=Capability.WRITE_ROUTING,
                look=docks.look,
                do=docks.ship,
                effect=lambda number: f"Ships {number} crates.",
                form=ShipForm,
                fields=(FormField("reason", "Reason", FieldKind.PROSE, is_required=True),),
            ),
            BulkAction(
                name="reprice",
                label="Set worth",
                capability=Capability.WRITE_ROUTING,
                look=docks.look,
                look_with=docks.look_with,
                do=docks.reprice,
                effect=lambda number: f"Sets what {number} crates are worth.",
                form=RepriceForm,
                fields=reprice_fields,
            ),
            BulkAction(
                name="ship_insured",
                label="Ship insured",
                capability=Capability.WRITE_ROUTING,
                look=docks.look,
                do=docks.ship,
                effect=lambda number: f"Ships {number} crates, and pays for it.",
                step_up=True,
            ),
        ),
    )


@dataclass
class House:
    """A browser without a picture: what a person who is signed in reads and sends."""

    client: httpx.AsyncClient
    database: Database
    identity: TestIdentity
    docks: Docks
    bulk: BulkRunner
    clock: FixedClock
    operator: dict[str, Any] = field(default_factory=lambda: {"operator_id": new_id()})
    role: Role = Role.ADMIN
    lacking: tuple[Capability, ...] = ()

    @property
    def token(self) -> str:
        capabilities = [each for each in self.role.capabilities if each not in self.lacking]
        return self.identity.token(capabilities, **self.operator)

    @property
    def cookies(self) -> dict[str, str]:
        return {"Cookie": f"{ACCESS_COOKIE}={self.token}"}

    @property
    def bearer(self) -> dict[str, str]:
        """As a program asks."""
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, query: str = "", path: str = PATH, **headers: str) -> httpx.Response:
        address = f"{path}?{query}" if query else path
        return await self.client.get(address, headers={"Accept": "text/html", **self.cookies, **headers})

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        headers = {"Accept": "text/html", **self.cookies}
        return await self.client.post(f"{PATH}/{path}", data={"csrf": CSRF, **fields}, headers=headers)

    async def pack(self, *names: str, status: str = "packed", cents: int = 1_000, **values: Any) -> list[UUID]:
        """An hour apart, the first the oldest."""
        rows = [
            {
                "id": new_id(),
                "name": name,
                "status": status,
                "owner_id": None,
                "cents": cents,
                "packed_at": TIME - timedelta(hours=len(names) - index),
                "due_at": None,
                **values,
            }
            for index, name in enumerate(names)
        ]
        async with self.database.transaction() as session:
            await session.execute(insert(crates), rows)
        return [row["id"] for row in rows]


def names_in(answer: httpx.Response) -> list[str]:
    """The rows of a page, by their names."""
    assert answer.status_code == 200, answer.text
    return [re.sub("<[^>]+>", "", head) for head in re.findall(r'<th scope="row">(.*?)</th>', answer.text)]


def link_in(answer: httpx.Response, rel: str) -> str:
    """The query of the page's link to the one before or after it."""
    found = re.search(rf'href="{PATH}\?([^"]+)" rel="{rel}"', answer.text)
    assert found is not None
    return found[1].replace("&amp;", "&")


@asynccontextmanager
async def open_house(database: Database, identity: TestIdentity) -> AsyncIterator[House]:
    docks, clock = Docks(), FixedClock(TIME)
    listing = listing_of(docks)
    bulk = BulkRunner(database, clock, [listing])
    settings = ServiceSettings(
        environment=Environment.LOCAL,
        database_url="postgresql://nobody@127.0.0.1:9/none",
        identity_jwks_url=identity.jwks_url,
    )
    app = build_app(
        name="identity",
        settings=settings,
        routes=routes_of(listing),
        dependencies={"database": database, "clock": clock, "bulk": bulk, "desk": DESK},
        health=Health(live=list, ready=list, database=database),
    )
    async with in_process(app) as client:
        yield House(client, database, identity, docks, bulk, clock)
