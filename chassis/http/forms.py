"""Forms of the console's pages: URL-encoded fields into a model, as strictly as JSON is read."""

from typing import Annotated, Any, get_origin
from urllib.parse import parse_qsl

from litestar import Request
from litestar.enums import RequestEncodingType
from pydantic import ConfigDict, Field, ValidationError

from chassis.errors import FieldError, Refusal
from chassis.http.bodies import UNSAYABLE, UNSAYABLE_FAULT, Body, UnsupportedMediaType, field_errors

CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
MOST_FIELDS = 2_000
FIELDS_KEY = "chassis.fields"
"""Where a request's state holds what a form sent, name by name, for a page that shows it again."""


class ForeignForm(Refusal):
    """A page of ours did not send it."""

    code = "foreign_form"
    title = "Not sent from a page of ours"
    status = Refusal.status.FORBIDDEN


class MalformedForm(Refusal):
    code = "malformed_form"
    title = "Malformed form"
    status = Refusal.status.BAD_REQUEST


class Form(Body):
    """What a page posts. A field left empty counts as not sent; a list takes every field of its name."""

    model_config = ConfigDict(strict=False)

    csrf: Annotated[str, Field(max_length=100)] = ""


def fields_of(raw: bytes) -> list[tuple[str, str]]:
    """Name and value of each field, in their order. Raises MalformedForm."""
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise MalformedForm("the body is not a URL-encoded form") from None


async def keep_fields(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """What the request's form sent, which its state then holds too."""
    fields = fields_of(await request.body())
    request.scope["state"][FIELDS_KEY] = fields
    return fields


def read_form(model: type[Form], fields: list[tuple[str, str]]) -> Form | list[FieldError]:
    """The model, or all the faults of its content."""
    unsayable = [FieldError(name, *UNSAYABLE_FAULT) for name, value in fields if UNSAYABLE.search(name + value)]
    if unsayable:
        return unsayable
    sent: dict[str, Any] = {}
    for name, value in fields:
        field = model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is list:
            sent.setdefault(name, []).append(value)
        elif value or name not in model.model_fields:
            # Browsers end lines with CR LF, whatever was typed.
            sent[name] = value.replace("\r\n", "\n")
    try:
        return model.model_validate(sent)
    except ValidationError as invalid:
        return field_errors(invalid)


def refuse_other_than_form(request: Request[Any, Any, Any]) -> None:
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        raise UnsupportedMediaType("send application/x-www-form-urlencoded")


def refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """Where the browser says who asks, another site's page is refused before anything is read."""
    if request.headers.get("sec-fetch-site", "none") == "cross-site":
        raise ForeignForm("another site's page sent this form")
