"""The codes that sources are told: every one that can come is in the vocabulary, and none that cannot."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.http.bodies import read_body
from services.intake.domain.vocabulary import BODY, FAULTS, FIELDS, KEY, KEY_HEADER, UNKNOWN, codes_of, told_field
from services.intake.http.lead_body import LeadSubmission, header_key
from tests.intake.desk import Desk, faults
from tests.intake.samples import submission

GONE = object()
JUNK: tuple[object, ...] = (
    GONE,
    None,
    1,
    True,
    [],
    {},
    "",
    " ",
    "\x1c",
    "x" * 5_000,
    "\x00",
    "a\x07b",
    "nonsense",
    "0000",
    "3000",
)
"""What a program might send: nothing, another type, too little, too much, another form, what is of another place."""


def names(schema: dict[str, Any], model: dict[str, Any], within: str = "") -> Iterator[str]:
    """The dotted names of all fields, as the schema has them."""
    for name, told in model["properties"].items():
        yield f"{within}{name}"
        reference = told.get("$ref", "").rpartition("/")[2]
        inner = schema["$defs"].get(reference, {})
        if "properties" in inner:
            yield from names(schema, inner, f"{within}{name}.")


SCHEMA = LeadSubmission.model_json_schema()
ALL_FIELDS = tuple(names(SCHEMA, SCHEMA))


def with_junk(field: str, junk: object) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(submission()))
    place = body
    *path, last = field.split(".")
    for step in path:
        place = place[step]
    if junk is GONE:
        place.pop(last, None)
    else:
        place[last] = junk
    return body


def told(raw: object) -> set[tuple[str, str]]:
    found = read_body(LeadSubmission, json.dumps(raw).encode())
    return {(told_field(fault.field), fault.code) for fault in found} if isinstance(found, list) else set()


def all_faults() -> dict[str, set[str]]:
    """By code the fields that had it, whatever was sent."""
    header_key.set(None)
    seen = {fault for field in (*ALL_FIELDS, "colour") for junk in JUNK for fault in told(with_junk(field, junk))}
    no_leads: tuple[object, ...] = ([], None, 1, "lead")
    seen |= {fault for raw in no_leads for fault in told(raw)}
    header_key.set("another")
    seen |= told(submission())
    header_key.set(None)
    by_code: dict[str, set[str]] = defaultdict(set)
    for field, code in seen:
        by_code[code].add(field)
    return by_code


class TestTheVocabulary:
    async def test_is_what_can_be_told_and_nothing_else(self, http: Desk) -> None:
        """A validator with a new code, or a field that is added, fails here until it has its sentence."""
        seen = all_faults()
        key = await http.new_source()
        for sent in ("a b", "x" * 300):
            answer = await http.submit(key, headers={KEY_HEADER: sent})
            for field, code in faults(answer).items():
                seen[code].add(told_field(field))
        assert seen == {fault.code: set(fault.fields) for fault in FAULTS}

    def test_says_what_each_means(self) -> None:
        assert [fault.code for fault in FAULTS if not fault.meaning.endswith(".")] == []
        assert len({fault.code for fault in FAULTS}) == len(FAULTS)

    def test_knows_every_field_of_a_submission(self) -> None:
        assert set(ALL_FIELDS) | {KEY_HEADER, BODY, UNKNOWN} == FIELDS
        assert codes_of(KEY) == (
            "missing",
            "string_type",
            "string_too_long",
            "string_pattern_mismatch",
            "string_unsayable",
            "submission_keys_differ",
        )

    @pytest.mark.parametrize(
        ("field", "kept"), [("", BODY), ("phone", "phone"), ("mia@example.test", UNKNOWN), ("address.floor", UNKNOWN)]
    )
    def test_keeps_no_name_that_a_caller_has_made_up(self, field: str, kept: str) -> None:
        assert told_field(field) == kept
