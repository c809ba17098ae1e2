"""Schemathesis against a running service: whatever is sent, the answer is one that the document lists by its status."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema


def faults_found(
    address: str, headers: Mapping[str, str], *, max_examples: int = 20, leave_out: Iterable[str] = ()
) -> list[str]:
    """Each fault once, as operation and title. `leave_out` are paths that are not attacked."""
    document = httpx.get(f"{address}/schema/openapi.json").raise_for_status().json()
    for path in leave_out:
        del document["paths"][path]
    schema = schemathesis.openapi.from_dict(strictly(document), config=configuration(address, headers, max_examples))
    found: list[str] = []
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                found += _failures(event)
            case events.NonFatalError() | events.FatalError():
                found.append(str(event))
    return sorted(set(found))


def strictly(document: dict[str, Any]) -> dict[str, Any]:
    """Without the catch-all answers, which would document every status."""
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("default", None)
    return document


def configuration(address: str, headers: Mapping[str, str], max_examples: int) -> SchemathesisConfig:
    """Valid content that a rule refuses is no fault: a schema cannot say all that a rule knows."""
    return SchemathesisConfig.from_dict(
        {
            "base-url": address,
            "headers": dict(headers),
            "seed": 1,
            "generation": {"max-examples": max_examples, "deterministic": True},
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "phases": {"stateful": {"enabled": False}},
        }
    )


def _failures(event: events.ScenarioFinished) -> Iterable[str]:
    for nodes in event.recorder.checks.values():
        for node in nodes:
            if node.failure_info is not None:
                failure = node.failure_info.failure
                yield f"{event.recorder.label}: {failure.title}: {failure.message} {node.failure_info.code_sample}"
