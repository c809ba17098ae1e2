"""What surrounds every request: its ids, its place in a trace, its log line and its figure."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from contracts.identity import Role
from tests.chassis.http import example
from tests.kit.eventually import eventually_sync
from tests.kit.identity import TestIdentity, bearer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What is said, on both of the roads that lines take."""
    with capture_logs() as lines:
        monkeypatch.setattr(
            "chassis.http.edge.tell_plainly", lambda event, **fields: lines.append({"event": event, **fields})
        )
        yield lines


def access_line(lines: list[Any]) -> dict[str, Any]:
    """The line comes after the answer."""
    found: list[dict[str, Any]] = eventually_sync(lambda: [line for line in lines if line["event"] == "request"])
    return found[-1]


class TestRequestId:
    def test_is_made_for_each_request(self, client: httpx.Client) -> None:
        first, second = (client.get("/cause").headers["x-request-id"] for _ in range(2))
        assert UUID(first) != UUID(second)

    def test_is_taken_over_where_it_is_sane(self, client: httpx.Client) -> None:
        answer = client.get("/nothing", headers={"X-Request-Id": "call-0815:a.b_c"})
        assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("call-0815:a.b_c",) * 2

    @pytest.mark.parametrize("sent", ["short", "x" * 65, "with space in it", "robin@field.example", "<b>bold</b>"])
    def test_is_replaced_where_it_is_not(self, client: httpx.Client, sent: str) -> None:
        given = client.get("/cause", headers={"X-Request-Id": sent}).headers["x-request-id"]
        assert str(UUID(given)) == given


class TestCause:
    def test_of_events_is_the_request(self, client: httpx.Client) -> None:
        answer = client.get("/cause")
        cause = answer.json()
        assert (cause["correlation_id"], cause["causation_id"]) == (answer.headers["x-request-id"], None)
        assert cause["traceparent"].startswith("00-")

    def test_keeps_the_callers_correlation(self, client: httpx.Client) -> None:
        cause = client.get("/cause", headers={"X-Correlation-Id": "campaign-2026-06"}).json()
        assert cause["correlation_id"] == "campaign-2026-06"

    def test_continues_the_callers_trace(self, client: httpx.Client) -> None:
        cause = client.get("/cause", headers={"traceparent": PARENT}).json()
        _, trace_id, span_id, flags = cause["traceparent"].split("-")
        assert (trace_id, flags) == (TRACE, "01")
        assert span_id != "00f067aa0ba902b7"

    @pytest.mark.parametrize("sent", ["x", "ff-" + PARENT[3:], PARENT.replace(TRACE, "0" * 32), PARENT.upper()])
    def test_begins_a_trace_where_the_callers_is_none(self, client: httpx.Client, sent: str) -> None:
        trace_id = client.get("/cause", headers={"traceparent": sent}).json()["traceparent"].split("-")[1]
        assert trace_id not in (TRACE, "0" * 32)


class TestAccessLine:
    def test_tells_the_route_and_never_the_url(self, client: httpx.Client, lines: list[Any]) -> None:
        client.get("/labels/robin@field.example?q=0491570156")
        line = access_line(lines)
        assert (line["method"], line["route"], line["status"]) == ("GET", "/labels/{name}", 422)
        assert line["duration_ms"] > 0
        assert "robin" not in str(lines)
        assert "0491570156" not in str(lines)

    def test_tells_of_what_no_route_took(self, client: httpx.Client, lines: list[Any]) -> None:
        client.request("PROPFIND", "/robin")
        line = access_line(lines)
        assert (line["method"], line["route"], line["status"]) == ("other", "unmatched", 404)

    def test_of_a_platforms_question_is_for_debugging(self, client: httpx.Client, lines: list[Any]) -> None:
        client.get("/health/live")
        assert access_line(lines)["log_level"] == "debug"

    def test_of_refused_input_names_its_faults_by_code(
        self, client: httpx.Client, operator: dict[str, str], lines: list[Any]
    ) -> None:
        client.post("/things", json={"name": ["robin"], "robin@field.example": 1}, headers=operator)
        access_line(lines)
        (refused,) = (line for line in lines if line["event"] == "request_refused")
        assert refused["errors"] == ["extra_forbidden", "missing", "string_type"]
        assert "robin" not in str(lines)

    def test_of_a_failure_tells_where_and_not_what(self, client: httpx.Client, lines: list[Any]) -> None:
        client.get("/fail")
        access_line(lines)
        (failed,) = (line for line in lines if line["event"] == "request_failed")
        assert failed["fault"] == "RuntimeError"
        assert any("example.py" in frame for frame in failed["trace"][0]["frames"])
        assert "robin@field.example" not in str(lines)


class TestFigures:
    def test_are_by_route_template(self, client: httpx.Client, identity: TestIdentity) -> None:
        headers = bearer(identity.token_of(Role.EDITOR))
        client.get(f"/things/{example.KNOWN_ID}", headers=headers)
        series = 'waybill_http_request_duration_seconds_count{method="GET",route="/things/{thing_id}",status="200"}'
        assert eventually_sync(lambda: series in client.get("/metrics").text)
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert str(example.KNOWN_ID) not in answer.text
