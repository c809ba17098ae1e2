"""Request bodies: strict JSON into a model, every fault named at once, and no text that a database cannot hold."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any

from litestar import Request
from litestar.enums import RequestEncodingType
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from chassis.errors import FieldError, Refusal

UNSAYABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL's text refuses, and surrogates, which UTF-8 has no form for."""
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
CONTROL_FAULT = ("string_control_character", "Text must be one line without control characters")
_ESCAPED_UNSAYABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
UNSAYABLE_FAULT = ("string_unsayable", "Text cannot hold NUL characters or lone surrogates")
# Messages that would repeat a part of the value.
_QUIET = {
    "uuid_parsing": "Input should be a valid UUID",
    "union_tag_invalid": "Input is of no kind that is allowed here",
    "string_unicode": UNSAYABLE_FAULT[1],
}
LONGEST_FIELD = 200


class MalformedJson(Refusal):
    code = "malformed_json"
    title = "Malformed JSON"
    status = Refusal.status.BAD_REQUEST


class UnsupportedMediaType(Refusal):
    code = "unsupported_media_type"
    title = "Unsupported media type"
    status = Refusal.status.UNSUPPORTED_MEDIA_TYPE


Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""Prose of people: lines are allowed. For another length: `Annotated[Text, StringConstraints(max_length=100)]`."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE)]
"""A name, a title, a reference: no line breaks, so that it can stand in a mail's header."""


class Body(BaseModel):
    """What a request's JSON body is made of. Every text has a maximal length, or `build_app` refuses the route."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


def read_body(model: type[Body], raw: bytes) -> Body | list[FieldError]:
    """The model, or all the faults of its content. Raises MalformedJson where it is no JSON."""
    if _ESCAPED_UNSAYABLE.search(raw) is None:
        return _validated(model, raw)
    tree = _parsed(raw)
    unsayable = [FieldError(place, *UNSAYABLE_FAULT) for place in _unsayable_places(tree)]
    if not unsayable:
        return _validated(model, raw)
    rest = _validated(model, json.dumps(_with_blanks(tree)).encode())
    told = {fault.field for fault in unsayable}
    return unsayable + ([fault for fault in rest if fault.field not in told] if isinstance(rest, list) else [])


def _validated(model: type[Body], raw: bytes) -> Body | list[FieldError]:
    try:
        return model.model_validate_json(raw)
    except ValidationError as invalid:
        faults = field_errors(invalid)
        if any(fault.code == "json_invalid" for fault in faults):
            raise MalformedJson("the body is not JSON") from None
        return faults


def field_errors(invalid: ValidationError, *, within: str = "") -> list[FieldError]:
    """Pydantic's faults as ours: its error types are the codes; values are left out of the messages."""
    details = invalid.errors(include_url=False, include_input=False)
    return [FieldError(_place(within, *fault["loc"]), *_told(fault)) for fault in details]


def _place(*parts: object) -> str:
    place = ".".join(str(part) for part in parts if part != "")
    return UNSAYABLE.sub("�", place)[:LONGEST_FIELD]


def _told(fault: ErrorDetails) -> tuple[str, str]:
    """The code and the message."""
    if fault["type"] == "string_pattern_mismatch" and fault["ctx"]["pattern"] == ONE_LINE:
        return CONTROL_FAULT
    return fault["type"], _message(fault)


def _message(fault: ErrorDetails) -> str:
    if fault["type"] == "value_error" and fault["msg"].startswith("value is not a valid email address"):
        return "Input should be a valid e-mail address"
    return _QUIET.get(fault["type"], fault["msg"].removeprefix("Value error, "))


def _parsed(raw: bytes) -> Any:
    """By Python's own parser, which lets lone surrogates through, so that their place can be named."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise MalformedJson("the body is not JSON") from None


def _unsayable_places(tree: Any, *path: object) -> Iterator[str]:
    if isinstance(tree, str) and UNSAYABLE.search(tree):
        yield _place(*path)
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _unsayable_places(item, *path, index)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if UNSAYABLE.search(name):
                yield _place(*path, name)
            yield from _unsayable_places(value, *path, name)


def _with_blanks(tree: Any) -> Any:
    """The same tree with what cannot be said replaced, so that the other faults can be found in it."""
    if isinstance(tree, str):
        return UNSAYABLE.sub("�", tree)
    if isinstance(tree, list):
        return [_with_blanks(item) for item in tree]
    if isinstance(tree, dict):
        return {_with_blanks(name): _with_blanks(value) for name, value in tree.items()}
    return tree


def refuse_other_media(request: Request[Any, Any, Any]) -> None:
    media_type, options = request.content_type
    if media_type != RequestEncodingType.JSON or options.get("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("send application/json in UTF-8")
