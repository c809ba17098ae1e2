"""How one lead source hands leads in: the JSON's own words, as a page to send to who writes its program."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Fact, Part, Table, show_document
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.intake.domain import SourceMode
from services.intake.http.quality import get_source_spec
from services.intake.http.specs import LeadSpec, SpecField
from services.intake.pages.sources import PATH, ROOM
from services.intake.settings import Settings

MODES = {
    SourceMode.LIVE: "Live: what is handed in are leads",
    SourceMode.TEST: "Test: what is handed in is checked and answered, and nothing comes of it",
}


@page_at(PATH + "/{source_id:uuid}/spec", Capability.READ_OPS)
async def show_spec(
    source_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
) -> Response[str]:
    spec: LeadSpec = await get_source_spec.fn(source_id, request, database, settings, console)
    return show_document(console, request, document_of(spec))


def document_of(spec: LeadSpec) -> Document:
    return Document(
        title=f"Spec of {spec.name}",
        room=ROOM,
        up=(spec.name, f"{PATH}/{spec.source_id}"),
        states=(chip("Test mode", "info"),) if spec.mode is SourceMode.TEST else (),
        sentence="How it hands leads in, as it is now: made from what checks them.",
        facts=_facts(spec),
        sections=(
            _requests(spec),
            _fields(spec.fields),
            Part("An example", "snippet.html", {"text": spec.curl, "told": "A lead handed in with curl"}),
            _answers(spec),
            _faults(spec),
        ),
        timeline=None,
    )


def _facts(spec: LeadSpec) -> Sequence[Fact]:
    limits = spec.limits
    rate = f"{limits.leads_per_minute:,} a minute" if limits.leads_per_minute else "No limit"
    return [
        Fact("Mode", MODES[spec.mode] if spec.is_active else "Revoked: nothing of it is taken"),
        Fact("Leads", rate),
        Fact("A body at the most", f"{limits.body_bytes:,} bytes"),
        Fact("A submission key is known", limits.submission_key.capitalize()),
    ]


def _requests(spec: LeadSpec) -> Table:
    told = (
        ("Hand a lead in", spec.submit),
        ("Ask what became of it", spec.follow),
        ("Read this, as JSON", spec.spec),
        ("Sign each of them", spec.authentication),
    )
    return Table(
        "Requests",
        (("To", Kind.TEXT), ("Send", Kind.ID)),
        [(what, _code(how)) for what, how in told],
    )


def _fields(fields: Sequence[SpecField]) -> Table:
    return Table(
        "Fields",
        (
            ("Field", Kind.ID),
            ("Type", Kind.TEXT),
            ("Needed", Kind.TEXT),
            ("What it takes", Kind.TEXT),
            ("Faults", Kind.TEXT),
        ),
        [
            (
                _code(field.name),
                field.type if field.longest is None else f"{field.type}, up to {field.longest:,}",
                "Yes" if field.is_required else Shown(None),
                _said(_form(field)),
                _said(", ".join(field.codes)),
            )
            for field in fields
        ],
        note="JSON in UTF-8. A field that is not here is refused.",
    )


def _form(field: SpecField) -> str:
    return f"{field.form}: {', '.join(field.choices)}" if field.choices else field.form


def _answers(spec: LeadSpec) -> Table:
    return Table(
        "Answers",
        (("Status", Kind.TEXT), ("Code", Kind.ID), ("What it means", Kind.TEXT)),
        [
            (str(each.status), _code(each.code) if each.code else Shown(None), _said(each.meaning))
            for each in spec.answers
        ],
        note="What is refused is answered as application/problem+json; its type ends with the code.",
    )


def _faults(spec: LeadSpec) -> Table:
    return Table(
        "Codes of faults",
        (("Code", Kind.ID), ("What it means", Kind.TEXT), ("Fields", Kind.TEXT)),
        [(_code(each.code), _said(each.meaning), _said(", ".join(each.fields))) for each in spec.faults],
        note="A refused body names all its faults at once, in errors: field, code and a message for people. "
        "The codes stay as they are.",
    )


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _said(text: str) -> Markup:
    return Markup('<span class="said">{}</span>').format(text)


ROUTES = (show_spec,)
