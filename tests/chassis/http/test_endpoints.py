"""An application that is not safe is not built, and one that is tells who may call what."""

from typing import Annotated, Any

import pytest
from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field, StringConstraints

from chassis.database import Database
from chassis.http import Body, Text, public, requires, route_guards
from chassis.http.endpoints import UnsafeRoutes, unbounded
from tests.chassis.http import example

OPEN = public("a test asks")


def refused(database: Database, *routes: ControllerRouterHandler) -> str:
    with pytest.raises(UnsafeRoutes) as refusal:
        example.build(database, None, list(routes))
    return str(refusal.value)


class TestBuildApp:
    def test_refuses_a_route_without_a_guard(self, no_database: Database) -> None:
        @get("/forgotten")
        async def forgotten() -> None: ...

        assert "GET /forgotten: has 0 guards" in refused(no_database, forgotten)

    def test_refuses_a_route_with_two(self, no_database: Database) -> None:
        @get("/both", guards=[OPEN, requires("read_ops")])
        async def both() -> None: ...

        assert "GET /both: has 2 guards" in refused(no_database, both)

    def test_refuses_a_body_that_is_not_strict(self, no_database: Database) -> None:
        class Loose(BaseModel):
            name: str

        @post("/loose", guards=[OPEN])
        async def loose(data: JSONBody[Loose]) -> None: ...

        assert "POST /loose: takes a body that is no chassis.http.Body" in refused(no_database, loose)

    def test_refuses_what_switches_validation_off(self, no_database: Database) -> None:
        async def nothing(_request: Request[Any, Any, Any]) -> None: ...

        @get("/off", guards=[OPEN], before_request=nothing)
        async def off() -> None: ...

        assert "GET /off: has a before_request of its own" in refused(no_database, off)

    def test_refuses_texts_and_integers_without_bounds(self, no_database: Database) -> None:
        class Inner(Body):
            words: list[str]

        class Outer(Body):
            note: str | None = None
            count: Annotated[int, Field(ge=0)] = 0
            inner: Inner

        @post("/wide", guards=[OPEN])
        async def wide(data: JSONBody[Outer], q: FromQuery[str] = "", n: FromQuery[int] = 1) -> None: ...

        assert refused(no_database, wide).splitlines() == [
            "POST /wide: Inner.words[] is a text without a maximal length",
            "POST /wide: Outer.count is an integer without bounds",
            "POST /wide: Outer.note is a text without a maximal length",
            "POST /wide: n is an integer without bounds",
            "POST /wide: q is a text without a maximal length",
        ]

    def test_names_all_that_is_wrong_at_once(self, no_database: Database) -> None:
        @get("/one")
        async def one() -> None: ...

        @get("/two")
        async def two() -> None: ...

        assert len(refused(no_database, one, two).splitlines()) == 2

    def test_takes_a_body_that_may_be_left_out(self, no_database: Database) -> None:
        class Note(Body):
            text: Annotated[Text, StringConstraints(max_length=10)]

        @post("/maybe", guards=[OPEN])
        async def maybe(data: JSONBody[Note | None] = None, n: Annotated[int, QueryParameter(ge=0, le=9)] = 0) -> str:
            return data.text if data else f"none {n}"

        from litestar.testing import TestClient  # noqa: PLC0415

        with TestClient(example.build(no_database, None, [maybe])) as client:
            assert client.post("/maybe?n=1").text == "none 1"
            assert client.post("/maybe", json={"text": "some"}).text == "some"
            assert client.post("/maybe", json={"text": 1}).status_code == 422


class TestRouteGuards:
    def test_list_every_route_with_its_mark(self, no_database: Database) -> None:
        facts = {(fact.method, fact.path): fact for fact in route_guards(example.build(no_database, None))}
        assert facts["POST", "/things"].capability == "write_routing"
        assert facts["DELETE", "/things/{thing_id}"].step_up
        assert facts["POST", "/hook"].public_reason == "authenticated by its signature"
        assert (facts["GET", "/me"].capability, facts["GET", "/me"].public_reason) == (None, None)
        own = {path for _, path in facts if path.startswith(("/health", "/metrics", "/schema"))}
        assert own == {"/health/live", "/health/ready", "/metrics", "/schema/openapi.json"}


class TestUnbounded:
    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "string", "format": "uuid"},
            {"type": "string", "enum": ["a"]},
            {"type": "integer", "minimum": 0, "exclusiveMaximum": 7},
            {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
            {"type": "boolean"},
        ],
    )
    def test_passes_what_is_bounded(self, schema: dict[str, Any]) -> None:
        assert list(unbounded(schema, "x")) == []
