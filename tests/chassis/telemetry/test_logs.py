"""What a process writes: JSON lines alone, with ids, and no person in any of them."""

import json
import subprocess
from typing import Any

import pytest

from deploy.local.postgres import ServiceDatabase
from tests.chassis.telemetry.program import ENVIRONMENT, PROGRAM, SECRETS


@pytest.fixture(scope="module")
def output(service_database: Any) -> subprocess.CompletedProcess[str]:
    database: ServiceDatabase = service_database("chassis")
    url = database.url.replace("postgresql://", "postgresql+asyncpg://")
    return subprocess.run(
        [*PROGRAM, "speak", url], capture_output=True, text=True, timeout=60, check=False, env=ENVIRONMENT
    )


@pytest.fixture
def lines(output: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """By their event."""
    return {line["event"]: line for line in map(json.loads, output.stdout.splitlines())}


class TestLines:
    def test_are_all_there_is(self, output: subprocess.CompletedProcess[str]) -> None:
        assert output.returncode == 1
        assert output.stderr == ""
        assert all(line.startswith("{") for line in output.stdout.splitlines())

    def test_say_when_who_and_what(self, lines: dict[str, dict[str, Any]]) -> None:
        line = lines["plain"]
        assert list(line)[:4] == ["time", "level", "service", "event"]
        assert (line["level"], line["service"], line["things"]) == ("info", "example", 3)
        assert line["thing_id"] == "01a1fd4d-3f6c-708c-8e30-55de6238773f"
        assert line["time"].endswith("+00:00")

    def test_below_the_level_are_not_written(self, lines: dict[str, dict[str, Any]]) -> None:
        assert "too_quiet" not in lines

    def test_carry_the_ids_of_what_they_are_about(self, lines: dict[str, dict[str, Any]]) -> None:
        line = lines["in_context"]
        found = (line["request_id"], line["correlation_id"], line["operator_id"])
        assert found == ("request-1", "correlation-1", "operator-1")
        assert (len(line["trace_id"]), len(line["span_id"])) == (32, 16)
        assert "request_id" not in lines["plain"]

    def test_survive_what_json_does_not_know(self, lines: dict[str, dict[str, Any]]) -> None:
        assert (lines["odd"]["thing"], lines["odd"]["text"], lines["odd"]["when"]) == ("object", "\ud800", None)

    def test_of_libraries_come_in_the_same_form(self, lines: dict[str, dict[str, Any]]) -> None:
        assert (lines["lost [email]"]["logger"], lines["lost [email]"]["level"]) == ("aiokafka", "error")
        assert lines["Started"]["logger"] == "uvicorn.error"
        assert not [event for event in lines if event.startswith("GET")]
        assert any(line.get("logger") == "py.warnings" for line in lines.values())


class TestPersonalData:
    @pytest.mark.parametrize("secret", SECRETS)
    def test_is_in_no_line(self, output: subprocess.CompletedProcess[str], secret: str) -> None:
        assert secret not in output.stdout + output.stderr

    def test_leaves_the_rest_of_a_line_readable(self, lines: dict[str, dict[str, Any]]) -> None:
        assert lines["nested"]["lead"] == {"name": "[masked]", "address": "[masked]", "state": "NSW"}
        assert lines["personal"]["note"] == "call [phone] or [email]"


class TestFaults:
    def test_tell_their_chain_and_where(self, lines: dict[str, dict[str, Any]]) -> None:
        outer, inner = lines["failed_plainly"]["trace"]
        assert (outer["type"], outer["message"]) == ("ValueError", "no place for [email]")
        assert inner["type"] == "KeyError"
        assert "[email]" in inner["message"]
        assert outer["frames"][-1].startswith("chassis/telemetry/program.py:")
        assert outer["frames"][-1].endswith(" fail")

    def test_of_rules_tell_their_sentence(self, lines: dict[str, dict[str, Any]]) -> None:
        assert lines["failed_by_rule"]["trace"][0]["message"] == "not_found: no such thing"

    def test_of_the_database_tell_the_constraint_and_no_value(self, lines: dict[str, dict[str, Any]]) -> None:
        trace = lines["failed_in_database"]["trace"]
        assert trace[0]["type"].startswith("sqlalchemy.exc.IntegrityError")
        assert "constraint_name=leads_email_check" in " ".join(fault["message"] for fault in trace)

    def test_that_end_the_process_are_the_last_line(self, output: subprocess.CompletedProcess[str]) -> None:
        last = json.loads(output.stdout.splitlines()[-1])
        assert (last["event"], last["level"], last["trace"][0]["type"]) == ("process_failed", "critical", "LookupError")
