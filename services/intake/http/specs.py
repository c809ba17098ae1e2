"""How a source hands leads in, made from what checks them: it cannot say anything else than what holds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request
from pydantic import BaseModel

from chassis.console import Console
from services.intake.domain import SourceMode
from services.intake.domain.vocabulary import ANSWERS, FAULTS, codes_of
from services.intake.http.lead_body import LeadSubmission
from services.intake.models import LeadSource
from services.intake.settings import Settings

EXAMPLE: Mapping[str, Any] = {
    "client_submission_key": "form-7731",
    "selected_path": "compare_quotes",
    "service": "solar-battery",
    "name": "Mia Citizen",
    "email": "mia.citizen@example.com",
    "phone": "0491 570 006",
    "address": {"street": "12 Example Street", "suburb": "Marrickville", "state": "NSW", "postcode": "2204"},
    "consent": {
        "text": "I agree to be called about quotes.",
        "url": "https://quotes.example/solar",
        "given_at": "2026-03-03T13:14:50+11:00",
        "remote_address": "198.51.100.7",
    },
}
"""The number is one of those that are kept free for drama and for examples."""


class SpecField(BaseModel):
    """`name` is dotted; `codes` are the faults that it can have; `choices` are all it takes, where they are few."""

    name: str
    type: str
    form: str
    is_required: bool
    longest: int | None
    choices: list[str]
    codes: list[str]


class SpecFault(BaseModel):
    code: str
    meaning: str
    fields: list[str]


class SpecAnswer(BaseModel):
    """`code` ends the problem document's `type`."""

    status: int
    code: str
    meaning: str


class SpecLimits(BaseModel):
    """Null is no limit. How long a submission key is known is told in words: it is for ever."""

    leads_per_minute: int | None
    body_bytes: int
    submission_key: str = "for ever"


class LeadSpec(BaseModel):
    source_id: UUID
    name: str
    mode: SourceMode
    is_active: bool
    submit: str
    follow: str
    spec: str
    authentication: str
    fields: list[SpecField]
    answers: list[SpecAnswer]
    faults: list[SpecFault]
    limits: SpecLimits
    example: dict[str, Any]
    curl: str


def address_of(console: Console, request: Request[Any, Any, Any]) -> str:
    """Where intake is reached: as the deployment says, or as the caller reached it."""
    return console.addresses.by_service.get("intake", str(request.base_url)).rstrip("/")


def spec_of(source: LeadSource, settings: Settings, address: str) -> LeadSpec:
    return LeadSpec(
        source_id=source.id,
        name=source.name,
        mode=source.mode,
        is_active=source.revoked_at is None,
        submit=f"POST {address}/leads",
        follow=f"GET {address}/leads/{{id}}",
        spec=f"GET {address}/leads/spec",
        authentication="Authorization: Bearer <API key>",
        fields=list(_fields(LeadSubmission.model_json_schema())),
        answers=[SpecAnswer(status=each.status, code=each.code, meaning=each.meaning) for each in ANSWERS],
        faults=[SpecFault(code=each.code, meaning=each.meaning, fields=list(each.fields)) for each in FAULTS],
        limits=SpecLimits(leads_per_minute=rate_of(source, settings), body_bytes=settings.max_body_bytes),
        example=dict(EXAMPLE),
        curl=_curl(address),
    )


def rate_of(source: LeadSource, settings: Settings) -> int | None:
    """None where there is no limit."""
    return source.rate_per_minute or settings.lead_rate_per_minute or None


def _fields(schema: Mapping[str, Any]) -> Iterator[SpecField]:
    return _fields_of(schema, schema.get("$defs", {}), "")


def _fields_of(model: Mapping[str, Any], known: Mapping[str, Any], within: str) -> Iterator[SpecField]:
    for name, told in model["properties"].items():
        resolved = {**_resolved(told, known), **told}
        field = _field(f"{within}{name}", resolved, name in model.get("required", ()))
        yield field
        if "properties" in resolved:
            yield from _fields_of(resolved, known, f"{field.name}.")


def _resolved(told: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference stands for; of what may be null the rest."""
    options: Sequence[Mapping[str, Any]] = told.get("anyOf", [told])
    chosen = next(option for option in options if option.get("type") != "null")
    reference = str(chosen.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = known[reference] if reference else chosen
    return found


def _field(name: str, told: Mapping[str, Any], is_required: bool) -> SpecField:
    return SpecField(
        name=name,
        type={"string": "text", "boolean": "true or false"}.get(told["type"], told["type"]),
        form=told.get("description", "").rstrip("."),
        is_required=is_required or name == "client_submission_key",
        longest=told.get("maxLength"),
        choices=[str(choice) for choice in told.get("enum", ())],
        codes=list(codes_of(name)),
    )


def _curl(address: str) -> str:
    body = json.dumps(EXAMPLE, indent=2)
    headers = ("Authorization: Bearer $WAYBILL_KEY", "Content-Type: application/json")
    told = " \\\n".join(f'  -H "{header}"' for header in headers)
    return f"curl {address}/leads \\\n{told} \\\n  -d '{body}'"
