"""Every version of every event that was ever published still decodes, and says today what it said then."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import Malformed, decode_body, from_headers, to_headers
from contracts.registry import EVENTS
from contracts.topics import TOPICS

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
EXAMPLES = sorted((CONTRACTS / "examples").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
class TestGoldenExamples:
    def test_decodes_and_is_keyed_by_its_subject(self, path: Path) -> None:
        example = read(path)
        envelope = from_headers([(name, text.encode()) for name, text in example["headers"].items()])
        model = EVENTS[envelope.type]
        event = decode_body(model, json.dumps(example["body"]).encode())
        assert event.subject == envelope.subject == example["key"]
        assert model.topic.name == example["topic"]

    def test_nothing_it_said_is_lost(self, path: Path) -> None:
        example = read(path)
        model = EVENTS[example["headers"]["ce_type"]]
        event = decode_body(model, json.dumps(example["body"]).encode())
        again = json.loads(event.model_dump_json(exclude_none=True, exclude_unset=True))
        assert again == example["body"]

    def test_its_envelope_survives_a_round_trip(self, path: Path) -> None:
        headers = [(name, text.encode()) for name, text in read(path)["headers"].items()]
        assert dict(to_headers(from_headers(headers))).items() >= dict(headers).items() - {
            ("ce_time", dict(headers)["ce_time"])
        }

    def test_ignores_a_field_of_a_later_version(self, path: Path) -> None:
        example = read(path)
        model = EVENTS[example["headers"]["ce_type"]]
        later = example["body"] | {"added_in_a_later_version": {"deep": [1]}}
        assert decode_body(model, json.dumps(later).encode()) == decode_body(
            model, json.dumps(example["body"]).encode()
        )


class TestRegistry:
    def test_every_current_version_has_its_example_and_schema(self) -> None:
        current = {f"{event.type}.{event.schema_version}.json" for event in EVENTS.values()}
        assert current <= {path.name for path in EXAMPLES}
        assert current <= {path.name for path in (CONTRACTS / "schemas").glob("*.json")}

    def test_types_are_past_tense_names_of_their_aggregate(self) -> None:
        assert all(
            name.count(".") == 1
            and name.split(".")[1].endswith(
                ("ed", "sent", "held", "paid", "ready", "withdrawn", "written_off", "taken")
            )
            for name in EVENTS
        )

    def test_every_topic_carries_something_and_belongs_to_its_owner(self) -> None:
        for topic in TOPICS:
            assert topic.name.startswith(f"{topic.owner}.")
            assert any(event.topic is topic for event in EVENTS.values())


class TestMalformedRecords:
    def test_names_a_null_header(self) -> None:
        with pytest.raises(Malformed) as refused:
            from_headers([("ce_id", None)])
        assert refused.value.code == "header_null"

    def test_names_a_header_that_is_not_utf8(self) -> None:
        with pytest.raises(Malformed) as refused:
            from_headers([("ce_type", b"\xff\xfe")])
        assert refused.value.code == "header_not_utf8"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (None, "body_null"),
            (b"{", "json_invalid"),
            (b"{}", "schema_invalid"),
            (b"[]", "schema_invalid"),
            (b"", "json_invalid"),
        ],
    )
    def test_names_what_is_wrong_with_a_body(self, body: bytes | None, code: str) -> None:
        with pytest.raises(Malformed) as refused:
            decode_body(EVENTS["lead.created"], body)
        assert refused.value.code == code

    def test_never_repeats_a_value_of_the_record(self) -> None:
        with pytest.raises(Malformed) as refused:
            decode_body(EVENTS["lead.created"], b'{"lead_id": "mia.obrien@example.test"}')
        assert "mia.obrien" not in refused.value.detail
