"""What bad input gets: every fault at once, by its field, and never a value in the answer."""

import json
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from pydantic import AwareDatetime, Field, StringConstraints

from chassis.http import Body, Line, Text
from chassis.http.bodies import MalformedJson, read_body

GOOD: dict[str, Any] = {"name": "Kettle", "size": 3}


def post(client: httpx.Client, operator: dict[str, str], body: object) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/things", content=raw, headers={**operator, "Content-Type": "application/json"})


def faults(answer: httpx.Response) -> dict[str, str]:
    return {fault["field"]: fault["code"] for fault in answer.json()["errors"]}


class TestBody:
    def test_is_taken_where_it_is_right(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = post(client, operator, {**GOOD, "note": "two\nlines ☕", "colour": "blue", "tags": ["a"]})
        assert answer.status_code == 201
        assert (answer.json()["name"], answer.json()["note"]) == ("Kettle", "two\nlines ☕")
        assert answer.headers["location"].startswith("/things/")

    def test_names_all_faults_at_once(self, client: httpx.Client, operator: dict[str, str]) -> None:
        body = {"size": 0, "colour": "green", "place": {"postcode": "20000"}, "hidden": 1, "tags": ["x" * 21]}
        answer = post(client, operator, body)
        assert answer.status_code == 422
        assert faults(answer) == {
            "name": "missing",
            "size": "greater_than_equal",
            "colour": "enum",
            "place.street": "missing",
            "place.postcode": "string_pattern_mismatch",
            "tags.0": "string_too_long",
            "hidden": "extra_forbidden",
        }
        assert all(fault["message"] for fault in answer.json()["errors"])

    def test_names_the_faults_of_parameters_beside_them(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = client.post(
            "/things?x=1", json={"name": 1, "size": 1}, headers={**operator, "Idempotency-Key": "k" * 51}
        )
        assert faults(answer) == {
            "Idempotency-Key": "string_too_long",
            "x": "extra_forbidden",
            "name": "string_type",
        }

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("size", "3", "int_type"),
            ("size", True, "int_type"),
            ("size", 3.5, "int_type"),
            ("size", 3.0, "int_type"),
            ("size", 10**30, "less_than_equal"),
            ("size", None, "int_type"),
            ("size", [3], "int_type"),
            ("is_heavy", 1, "bool_type"),
            ("is_heavy", "true", "bool_type"),
            ("name", 7, "string_type"),
            ("name", "  ", "string_too_short"),
            ("name", "x" * 201, "string_too_long"),
            ("name", "two\nlines", "string_control_character"),
            ("note", "x" * 4_001, "string_too_long"),
            ("owner_id", "not-one", "uuid_parsing"),
            ("wanted_at", "2026-06-01T10:00:00", "timezone_aware"),
            ("email", "robin@@field", "value_error"),
            ("place", [], "model_type"),
        ],
    )
    def test_takes_no_type_for_another(
        self, client: httpx.Client, operator: dict[str, str], field: str, value: object, code: str
    ) -> None:
        answer = post(client, operator, {**GOOD, field: value})
        assert (answer.status_code, faults(answer)) == (422, {field: code})

    def test_strips_what_surrounds_a_text(self, client: httpx.Client, operator: dict[str, str]) -> None:
        assert post(client, operator, {**GOOD, "name": "  Kettle "}).json()["name"] == "Kettle"

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "'; DROP TABLE things; --", 'Robert"); --', "☕ 木"])
    def test_takes_html_and_sql_as_the_text_that_they_are(
        self, client: httpx.Client, operator: dict[str, str], text: str
    ) -> None:
        answer = post(client, operator, {**GOOD, "name": text})
        assert (answer.status_code, answer.json()["name"]) == (201, text)

    @pytest.mark.parametrize("value", ["robin@field.example", "+61 491 570 156", "42 Wattle Street"])
    def test_repeats_no_value(self, client: httpx.Client, operator: dict[str, str], value: str) -> None:
        body = dict.fromkeys(("size", "owner_id", "wanted_at", "colour", "is_heavy", "place", "tags"), value)
        assert value not in post(client, operator, {**body, "email": f"{value}@@"}).text

    def test_must_be_there(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = client.post("/things", headers=operator)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:waybill:problem:malformed_json")


class TestUnsayableText:
    @pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\uDFFF", "\\ude00\\ud83d"])
    @pytest.mark.parametrize(
        ("template", "field"),
        [
            ('{{"name": "a{0}", "size": 1}}', "name"),
            ('{{"name": "a", "size": 1, "note": "{0}"}}', "note"),
            ('{{"name": "a", "size": 1, "tags": ["x", "{0}"]}}', "tags.1"),
            ('{{"name": "a", "size": 1, "place": {{"street": "{0}", "postcode": "2000"}}}}', "place.street"),
        ],
    )
    def test_is_refused_by_field(
        self, client: httpx.Client, operator: dict[str, str], template: str, field: str, escape: str
    ) -> None:
        answer = post(client, operator, template.format(escape).encode())
        assert (answer.status_code, faults(answer)) == (422, {field: "string_unsayable"})

    def test_hides_no_other_fault(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = post(client, operator, b'{"name": "\\u0000", "note": "\\ud800", "size": "1", "x": 2}')
        assert faults(answer) == {
            "name": "string_unsayable",
            "note": "string_unsayable",
            "size": "int_type",
            "x": "extra_forbidden",
        }

    def test_in_a_name_is_refused_too(self, client: httpx.Client, operator: dict[str, str]) -> None:
        answer = post(client, operator, b'{"name": "a", "size": 1, "\\ud800\\u0000": 2}')
        assert answer.status_code == 422
        assert "string_unsayable" in faults(answer).values()

    def test_written_as_a_backslash_is_text_like_any_other(
        self, client: httpx.Client, operator: dict[str, str]
    ) -> None:
        assert post(client, operator, b'{"name": "\\\\u0000", "size": 1}').json()["name"] == "\\u0000"

    def test_in_pairs_is_a_character(self, client: httpx.Client, operator: dict[str, str]) -> None:
        assert post(client, operator, b'{"name": "\\ud83d\\ude00", "size": 1}').json()["name"] == "😀"


class TestMalformedJson:
    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b"{'name': 1}",
            b'{"name": "a" "size": 1}',
            b'{"name": "a", "size": 1}}',
            b"\xff\xfe",
            b'{"name": "\xed\xa0\x80", "size": 1}',
            b'{"name": "a\x00", "size": 1}',
            b'{"name": "\\u00", "size": 1}',
            b'{"name": "\\u0000',
            b"[" * 20_000,
            b'{"name": "\\ud800", "x": ' + b"[" * 20_000,
            b" ",
        ],
    )
    def test_is_a_400(self, client: httpx.Client, operator: dict[str, str], raw: bytes) -> None:
        answer = post(client, operator, raw)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:waybill:problem:malformed_json")

    @pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"1", b"NaN"])
    def test_is_not_what_another_shape_is(self, client: httpx.Client, operator: dict[str, str], raw: bytes) -> None:
        assert post(client, operator, raw).status_code == 422


class Numbers(Body):
    ratio: Annotated[float, Field(ge=0, le=1)]
    at: AwareDatetime | None = None
    id: UUID | None = None


class TestReadBody:
    @pytest.mark.parametrize("raw", [b'{"ratio": NaN}', b'{"ratio": Infinity}', b'{"ratio": 1e400}'])
    def test_takes_no_number_that_json_does_not_have(self, raw: bytes) -> None:
        outcome = read_body(Numbers, raw)
        assert isinstance(outcome, list)
        assert outcome[0].field == "ratio"

    def test_takes_ids_and_instants_from_text_alone(self) -> None:
        outcome = read_body(Numbers, b'{"ratio": 1, "at": 1700000000, "id": 5}')
        assert isinstance(outcome, list)
        assert {fault.field for fault in outcome} == {"at", "id"}

    def test_keeps_the_texts_of_people_within_bounds(self) -> None:
        class Note(Body):
            line: Line
            text: Annotated[Text, StringConstraints(max_length=3)]
            title: Annotated[Line, StringConstraints(max_length=2)]

        outcome = read_body(Note, b'{"line": "a\\u0085b", "text": "abcd", "title": "abc"}')
        assert isinstance(outcome, list)
        assert [(fault.field, fault.code) for fault in outcome] == [
            ("line", "string_control_character"),
            ("text", "string_too_long"),
            ("title", "string_too_long"),
        ]

    def test_raises_where_it_is_no_json(self) -> None:
        with pytest.raises(MalformedJson):
            read_body(Numbers, b"nothing")
