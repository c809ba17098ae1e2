"""Traces: ids always, spans where there is somewhere for them to go."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.telemetry.traces import SpanKind, current_ids, current_traceparent, span
from tests.chassis.http.conftest import NOWHERE
from tests.chassis.telemetry.program import ENVIRONMENT, PROGRAM
from tests.kit.eventually import eventually_sync

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class TestSpan:
    def test_has_ids_though_nobody_records_it(self) -> None:
        assert current_traceparent() is None
        with span("outer"):
            outer = current_ids()
            with span("inner"):
                inner = current_ids()
            assert current_ids() == outer
        assert outer is not None
        assert inner is not None
        assert inner[0] == outer[0]
        assert inner[1] != outer[1]
        assert current_ids() is None

    def test_continues_a_trace_from_elsewhere(self) -> None:
        with span("here"), span("there", parent_traceparent=PARENT, kind=SpanKind.CONSUMER, links=[PARENT], records=7):
            traceparent = current_traceparent()
        assert traceparent is not None
        assert traceparent.split("-")[1] == TRACE
        assert traceparent != PARENT

    @pytest.mark.parametrize(
        "sent", ["", "x", PARENT[:-1], f"{PARENT}9", PARENT.replace(TRACE, "0" * 32), "ff" + PARENT[2:]]
    )
    def test_begins_a_trace_where_the_parent_is_none(self, sent: str) -> None:
        with span("here", parent_traceparent=sent):
            traceparent = current_traceparent()
        assert traceparent is not None
        assert TRACE not in traceparent

    def test_keeps_that_a_trace_is_not_sampled(self) -> None:
        with span("here", parent_traceparent=PARENT[:-1] + "0"):
            assert str(current_traceparent()).endswith("-00")

    def test_lets_exceptions_through(self) -> None:
        with pytest.raises(LookupError), span("here"):
            raise LookupError

    def test_needs_no_sdk_without_an_exporter(self) -> None:
        asked = "import sys, chassis.http.app; print('opentelemetry.sdk' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "False"


class Collector(BaseHTTPRequestHandler):
    """An OTLP collector that keeps what it is sent."""

    received: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        self.received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002  # the name is http.server's
        """The tests' output is theirs."""


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.received.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TestProcess:
    def test_exports_what_it_has_before_it_ends(self, tmp_path: Path, collector: str) -> None:
        file, port = tmp_path / "traces.jsonl", free_port()
        environment = {**ENVIRONMENT, "TRACES_FILE": str(file), "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
        with subprocess.Popen(
            [*PROGRAM, "serve", NOWHERE, str(port)], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            answer = eventually_sync(lambda: ask(port), deadline_seconds=30)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)

        assert answer is not None
        assert answer.status_code == 503
        (served,) = [span for span in map(json.loads, file.read_text().splitlines()) if span["name"] == "GET /fail"]
        assert served["context"]["trace_id"] == f"0x{TRACE}"
        assert served["parent_id"] == "0x00f067aa0ba902b7"
        assert (served["kind"], served["attributes"]["http.response.status_code"]) == ("SpanKind.SERVER", 503)
        assert served["resource"]["attributes"]["service.name"] == "waybill-example"
        assert {path for path, _ in Collector.received} == {"/v1/traces"}
        assert any(bytes.fromhex(TRACE) in body for _, body in Collector.received)
        logged = [json.loads(line) for line in output.splitlines()]
        assert {line["trace_id"] for line in logged if line.get("route") == "/fail"} == {TRACE}


def ask(port: int) -> httpx.Response | None:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/fail?sql=robin", headers={"traceparent": PARENT})
    except httpx.ConnectError:
        return None
