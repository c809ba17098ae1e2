"""Writes the documents that are generated from code and committed: event schemas, AsyncAPI, OpenAPI, dashboards.

`python -m deploy.documents` writes them; with `--check` it changes nothing and fails where one differs.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.registry import EVENTS
from contracts.topics import TOPICS, Topic
from deploy import SERVICES

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "contracts" / "schemas"
DOCUMENTS = ROOT / "docs" / "api"

HEADERS: dict[str, Any] = {
    "type": "object",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_time",
        "ce_subject",
        "ce_dataschema",
        "ce_aggregateversion",
        "ce_correlationid",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "UUIDv7, the same in every copy of the event"},
        "ce_type": {"type": "string", "description": "past-tense name of the event"},
        "ce_source": {"type": "string", "description": "/waybill/<service>"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "id of the aggregate, equal to the record's key"},
        "ce_dataschema": {"type": "string", "description": "urn:waybill:schema:<type>:<version>"},
        "ce_aggregateversion": {"type": "string", "pattern": "^[0-9]+$", "description": "ascends by event"},
        "ce_correlationid": {"type": "string", "description": "one for all that follows from one request"},
        "ce_causationid": {"type": "string", "description": "the event that led to this one"},
        "ce_traceparent": {"type": "string", "description": "W3C trace context"},
        "content-type": {"const": "application/json"},
    },
}


def schemas() -> Iterator[tuple[Path, dict[str, Any]]]:
    """The JSON Schema of every event as it is now, under the name of its version."""
    for event in EVENTS.values():
        schema = event.model_json_schema(mode="serialization") | {"$id": event.dataschema()}
        yield SCHEMAS / f"{event.type}.{event.schema_version}.json", schema


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: a channel per topic, a message per event type."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Waybill events",
            "version": "0.1.0",
            "description": "CloudEvents 1.0 in Kafka's binary mode; at least once, in order per key.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {
            f"publish.{topic.name}": {"action": "send", "channel": {"$ref": f"#/channels/{topic.name}"}}
            for topic in TOPICS
        },
        "components": {
            "messages": {event.type: _message(event.type) for event in EVENTS.values()},
            "messageTraits": {"envelope": {"headers": HEADERS}},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    types = [event.type for event in EVENTS.values() if event.topic is topic]
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {type_: {"$ref": f"#/components/messages/{type_}"} for type_ in types},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["compact" if topic.compacted else "delete"]},
            }
        },
    }


def _message(type_: str) -> dict[str, Any]:
    event = EVENTS[type_]
    schema = event.model_json_schema(
        mode="serialization", ref_template=f"#/components/messages/{type_}/payload/$defs/{{model}}"
    )
    return {
        "name": type_,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().split("\n")[0],
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": schema,
        "bindings": {"kafka": {"key": {"type": "string", "description": event.subject_field or event.topic.key}}},
    }


def openapi() -> Iterator[tuple[Path, dict[str, Any]]]:
    """The OpenAPI document of every service, built without a database or a broker."""
    from deploy.services import document_of  # noqa: PLC0415  # needs every service's dependencies

    for service in SERVICES:
        yield DOCUMENTS / f"{service}.openapi.json", document_of(service)


def documents() -> Iterator[tuple[Path, str]]:
    from deploy.dashboards import dashboards  # noqa: PLC0415  # needs a tool that nothing else does

    for path, document in [*schemas(), (DOCUMENTS / "asyncapi.json", asyncapi()), *openapi(), *dashboards()]:
        yield path, json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail where a document differs")
    check = parser.parse_args().check
    stale = [(path, text) for path, text in documents() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        if check:
            print(f"differs from the code: {path.relative_to(ROOT)}; run `make documents`", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
