"""Each kind of what goes wrong, as the problem document that a caller gets."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from chassis.database import Database, create_engine
from chassis.http.problems import Problem
from deploy.local.postgres import ServiceDatabase
from tests.chassis.http import example
from tests.chassis.http.serving import in_process, serving
from tests.kit.eventually import eventually_sync

MEMBERS = {"type", "title", "status", "detail", "errors", "request_id"}


def check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Every problem has this form; returns its document."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document.keys() >= MEMBERS
    assert (document["type"], document["status"]) == (f"urn:waybill:problem:{code}", status)
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


class TestRefusals:
    def test_tell_their_code_and_ids(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = client.get(f"/things/{example.BROKEN_ID}", headers=operator)
        document = check(answer, 409, "thing_broken")
        assert (document["detail"], document["thing_id"]) == ("it fell", str(example.BROKEN_ID))

    def test_that_something_is_not_there(self, client: httpx.Client, operator: dict[str, str]) -> None:
        check(client.get("/things/0190f3a0-0000-7000-8000-0000000000ff", headers=operator), 404, "not_found")

    def test_that_content_is_wrong_name_every_fault(self, client: httpx.Client, operator: dict[str, str]) -> None:
        document = check(client.get(f"/things/{example.ODD_ID}", headers=operator), 422, "invalid")
        assert document["errors"] == [
            {"field": "a.b", "code": "odd", "message": "Is odd"},
            {"field": "c", "code": "even", "message": "Is even"},
        ]

    def test_of_too_many_say_when_to_come_again(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = client.get(f"/things/{example.BUSY_ID}", headers=operator)
        check(answer, 429, "too_many_things")
        assert answer.headers["retry-after"] == "17"

    def test_cannot_overwrite_a_member(self) -> None:
        problem = Problem("x", "X", 409, "why", ids={"status": "200", "thing_id": "1"})
        assert (problem.document()["status"], problem.document()["thing_id"]) == (409, "1")


class TestRoutes:
    def test_that_do_not_exist(self, client: httpx.Client) -> None:
        check(client.get("/nothing/here"), 404, "no_such_route")
        check(client.get("/schema"), 404, "no_such_route")

    @pytest.mark.parametrize("method", ["DELETE", "TRACE", "PROPFIND"])
    def test_tell_which_methods_they_know(self, client: httpx.Client, method: str) -> None:
        answer = client.request(method, "/things")
        check(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"

    def test_answer_options_with_all_their_methods(self, client: httpx.Client) -> None:
        answer = client.options(f"/things/{example.KNOWN_ID}")
        assert (answer.status_code, answer.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")

    def test_answer_head_as_get_without_its_body(self, client: httpx.Client, operator: dict[str, str]) -> None:
        got = client.get("/me", headers=operator)
        headed = client.head("/me", headers=operator)
        assert (headed.status_code, headed.content) == (200, b"")
        assert headed.headers["content-type"] == got.headers["content-type"]
        assert client.head("/hook").status_code == 405

    def test_refuse_a_path_parameter_of_the_wrong_form(self, client: httpx.Client, operator: dict[str, str]) -> None:
        document = check(client.get("/things/7", headers=operator), 422, "invalid_request")
        assert document["errors"] == [
            {"field": "thing_id", "code": "uuid_parsing", "message": "Input should be a valid UUID"}
        ]


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "field", "code"),
        [
            ("size=x", "size", "int_parsing"),
            ("size=0", "size", "greater_than_equal"),
            ("size=99999999999999999999999999", "size", "less_than_equal"),
            ("colour=green", "colour", "enum"),
            ("colour=", "colour", "enum"),
            ("limit=201", "limit", "less_than_equal"),
            ("tag=a&tag=b&tag=c&tag=d", "tag", "too_long"),
            ("tag=a&tag=%00", "tag", "string_unsayable"),
            ("color=red", "color", "extra_forbidden"),
        ],
    )
    def test_are_refused_by_name(
        self, client: httpx.Client, operator: dict[str, str], query: str, field: str, code: str
    ) -> None:
        document = check(client.get(f"/things?{query}", headers=operator), 422, "invalid_request")
        assert [(fault["field"], fault["code"]) for fault in document["errors"]] == [(field, code)]

    def test_are_taken_where_they_are_right(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = client.get("/things?size=7&colour=red&tag=a&tag=b&limit=9", headers=operator)
        assert answer.json()["items"][0]["name"] == "red 7 2 9"

    def test_hold_no_nul(self, client: httpx.Client) -> None:
        document = check(client.get("/labels/a%00b?q=%00"), 422, "invalid_request")
        assert [fault["field"] for fault in document["errors"]] == ["name", "q"]

    def test_may_hold_anything_else(self, client: httpx.Client) -> None:
        assert client.get("/labels/%27%3B%20DROP", params={"q": "<b>☕"}).text == "'; DROP<b>☕"

    def test_of_paging_must_be_ours(self, client: httpx.Client, operator: dict[str, str]) -> None:
        check(client.get("/things?cursor=abc", headers=operator), 400, "malformed_cursor")


class TestBodies:
    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/xml", "application/json; charset=latin-1", "multipart/form-data", ""]
    )
    def test_of_another_media_type(self, client: httpx.Client, operator: dict[str, str], media_type: str) -> None:
        answer = client.post("/things", content=b"{}", headers={**operator, "Content-Type": media_type})
        check(answer, 415, "unsupported_media_type")

    def test_that_are_too_large(self, client: httpx.Client, operator: dict[str, str]) -> None:
        headers = {**operator, "Content-Type": "application/json"}
        check(client.post("/things", content=b" " * 65_537, headers=headers), 413, "body_too_large")
        check(client.post("/things", content=iter([b" " * 40_000] * 2), headers=headers), 413, "body_too_large")

    def test_of_a_route_with_a_limit_of_its_own(self, client: httpx.Client) -> None:
        assert client.post("/hook", content=b"x" * 150_000).json() == {"bytes": 150_000}
        check(client.post("/hook", content=b"x" * 200_001), 413, "body_too_large")

    def test_that_never_end_leave_the_service_well(self, address: str, client: httpx.Client) -> None:
        host, port = address.removeprefix("http://").split(":")
        with capture_logs() as lines:
            with socket.create_connection((host, int(port))) as caller:
                caller.sendall(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab")
            refused = eventually_sync(lambda: [line for line in lines if line["event"] == "request_refused"])
        assert refused[0]["code"] == "client_gone"
        assert client.get("/health/live").status_code == 200


class TestFailures:
    def test_say_nothing_of_what_is_inside(self, client: httpx.Client) -> None:
        answer = client.get("/fail")
        document = check(answer, 500, "internal")
        assert set(document) == MEMBERS
        assert "robin" not in answer.text
        assert "Error" not in answer.text

    def test_of_a_database_that_is_away_ask_to_come_again(self, client: httpx.Client) -> None:
        answer = client.get("/fail?sql=SELECT 1")
        check(answer, 503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"


@pytest.fixture
def on_database(chassis_database: ServiceDatabase) -> Iterator[httpx.Client]:
    """The example over a database that works, with a statement timeout that a test can wait for."""
    engine = create_engine(chassis_database.url, pool_size=2, statement_timeout_seconds=0.2)
    with (
        serving(example.build(Database(engine, "/waybill/example"), None)) as address,
        httpx.Client(base_url=address) as client,
    ):
        yield client


def raising(state: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'of robin' USING ERRCODE = '{state}'; END $$"


class TestFailuresOfTheDatabase:
    @pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P01", "53300"])
    def test_that_pass_ask_to_come_again(self, on_database: httpx.Client, state: str) -> None:
        check(on_database.get("/fail", params={"sql": raising(state)}), 503, "temporarily_unavailable")

    def test_that_take_too_long_ask_to_come_again(self, on_database: httpx.Client) -> None:
        check(on_database.get("/fail", params={"sql": "SELECT pg_sleep(5)"}), 503, "temporarily_unavailable")

    @pytest.mark.parametrize("sql", [raising("23505"), "SELECT 1/0", "SELECT robin"])
    def test_that_are_ours_are_internal(self, on_database: httpx.Client, sql: str) -> None:
        answer = on_database.get("/fail", params={"sql": sql})
        check(answer, 500, "internal")
        assert "robin" not in answer.text

    async def test_with_all_connections_in_use_ask_to_come_again(self, chassis_database: ServiceDatabase) -> None:
        url = chassis_database.url.replace("postgresql://", "postgresql+asyncpg://")
        engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.05)
        app = example.build(Database(engine, "/waybill/example"), None)
        async with engine.connect() as held, in_process(app) as client:
            await held.execute(text("SELECT 1"))
            answers = await asyncio.gather(*(client.get("/fail?sql=SELECT 1") for _ in range(3)))
        await engine.dispose()
        for answer in answers:
            check(answer, 503, "temporarily_unavailable")
