"""A small application with a route of every kind, as a service would write them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from litestar import Litestar, Response, delete, get, post
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, PathParameter, QueryParameter, RawBody
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, BaseModel, EmailStr, Field, StringConstraints
from sqlalchemy import text

from chassis.causation import current_cause
from chassis.database import Database
from chassis.errors import FieldError, Invalid, NotFound, Refusal
from chassis.http import Body, Given, Line, Operator, Text, public, requires, signed_in
from chassis.http.app import build_app
from chassis.http.health import Health
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from chassis.settings import ServiceSettings


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Place(Body):
    street: Line
    postcode: Annotated[str, Field(pattern="^[0-9]{4}$")]


class MakeThing(Body):
    name: Line
    size: Annotated[int, Field(ge=1, le=1_000)]
    is_heavy: bool = False
    colour: Colour = Colour.RED
    place: Place | None = None
    note: Text | None = None
    tags: Annotated[list[Annotated[str, StringConstraints(max_length=20)]], Field(max_length=5)] = []
    owner_id: UUID | None = None
    wanted_at: AwareDatetime | None = None
    email: EmailStr | None = None


class Thing(BaseModel):
    id: UUID
    name: str
    note: str | None = None


class Broken(Refusal):
    code = "thing_broken"
    title = "The thing is broken"


class TooMany(Refusal):
    code = "too_many_things"
    title = "Too many things"
    status = HTTPStatus.TOO_MANY_REQUESTS
    retry_after_seconds = 17


KNOWN_ID = UUID("0190f3a0-0000-7000-8000-000000000001")
BROKEN_ID = UUID("0190f3a0-0000-7000-8000-000000000002")
BUSY_ID = UUID("0190f3a0-0000-7000-8000-000000000003")
ODD_ID = UUID("0190f3a0-0000-7000-8000-000000000004")


@post(
    "/things",
    guards=[requires("write_routing")],
    response_headers=[ResponseHeader("Location", documentation_only=True, description="where to ask later")],
    responses={200: ResponseSpec(Thing, description="It was made before", generate_examples=False)},
)
async def make_thing(
    data: JSONBody[MakeThing],
    key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=50)] = None,
) -> Response[Thing]:
    """Makes a thing.

    Sent again with the same key, it is the same thing.
    """
    thing = Thing(id=new_id(), name=data.name, note=data.note)
    return Response(thing, status_code=200 if key else 201, headers={"Location": f"/things/{thing.id}"})


@get("/things", guards=[requires("read_ops")])
async def list_things(
    page: Given[PageRequest],
    colour: FromQuery[Colour | None] = None,
    size: Annotated[int, QueryParameter(ge=1, le=1_000)] = 1,
    tag: Annotated[list[Annotated[str, StringConstraints(max_length=20)]] | None, QueryParameter(max_items=3)] = None,
) -> Page[Thing]:
    return Page(items=[Thing(id=KNOWN_ID, name=f"{colour} {size} {len(tag or [])} {page.limit}")])


@get("/things/{thing_id:uuid}", guards=[requires("read_ops")])
async def get_thing(thing_id: FromPath[UUID]) -> Thing:
    match thing_id:
        case x if x == KNOWN_ID:
            return Thing(id=thing_id, name="known")
        case x if x == BROKEN_ID:
            raise Broken("it fell", thing_id=thing_id)
        case x if x == BUSY_ID:
            raise TooMany("come again later")
        case x if x == ODD_ID:
            raise Invalid("two faults", errors=(FieldError("a.b", "odd", "Is odd"), FieldError("c", "even", "Is even")))
    raise NotFound("no such thing", thing_id=thing_id)


@delete("/things/{thing_id:uuid}", guards=[requires("manage_billing_ops", step_up=True)])
async def drop_thing(thing_id: FromPath[UUID]) -> None:
    """Money moves here."""


@get("/me", guards=[signed_in()])
async def show_me(operator: Given[Operator]) -> dict[str, str]:
    return {"id": str(operator.id), "name": operator.name, "session_id": str(operator.session_id)}


@get("/cause", guards=[public("a test asks")])
async def show_cause() -> dict[str, str | None]:
    cause = current_cause()
    assert cause is not None
    return {
        "correlation_id": cause.correlation_id,
        "causation_id": cause.causation_id,
        "traceparent": cause.traceparent,
    }


@get("/labels/{name:str}", guards=[public("a test asks")])
async def show_label(
    name: Annotated[str, PathParameter(max_length=100)], q: Annotated[str, QueryParameter(max_length=9)] = ""
) -> str:
    return f"{name}{q}"


@post("/hook", guards=[public("authenticated by its signature")], status_code=200, request_max_body_size=200_000)
async def take_hook(body: RawBody) -> dict[str, int]:
    return {"bytes": len(body)}


@get("/fail", guards=[public("a test asks")])
async def fail(database: Given[Database], sql: Annotated[str, QueryParameter(max_length=100)] = "") -> None:
    """Runs what it is told, so that real faults come out of a real database."""
    if not sql:
        raise RuntimeError("secret of robin@field.example")
    async with database.transaction() as session:
        await session.execute(text(sql))


ROUTES: list[ControllerRouterHandler] = [
    make_thing,
    list_things,
    get_thing,
    drop_thing,
    show_me,
    show_cause,
    show_label,
    take_hook,
    fail,
]


def settings(**values: Any) -> ServiceSettings:
    return ServiceSettings(**{"database_url": "postgresql://nobody@127.0.0.1:9/none", **values})


def build(
    database: Database, jwks_url: str | None, routes: list[ControllerRouterHandler] | None = None, **values: Any
) -> Litestar:
    """`values` are settings; `dependencies` among them are given beside the database, which closes with the app."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        yield
        await database.close()

    dependencies = values.pop("dependencies", {})
    health = values.pop("health", None) or Health(database=database)
    return build_app(
        name="example",
        settings=settings(identity_jwks_url=jwks_url, **values),
        routes=ROUTES if routes is None else routes,
        dependencies={"database": database, **dependencies},
        health=health,
        lifespan=lifespan,
    )
