"""One lead source, its keys, and making a new one. A key is in one answer, and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, moments_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import SourceAction, obstacle_to_source
from services.intake.http.source_keys import rotate_lead_source_key
from services.intake.http.source_rows import IssuedKey
from services.intake.http.sources import LeadSourceRevocation, NewLeadSource, create_lead_source, revoke_lead_source
from services.intake.keyring import KeyRing
from services.intake.models import LeadSource, LeadSourceKey
from services.intake.pages.new import show_form
from services.intake.pages.sources import PATH, ROOM, TONES, WEEK, WORKING, WRITE
from services.intake.settings import Settings

UP = ("Lead sources", f"{PATH}?{WORKING}")
VERBS = {
    "create_lead_source": "made the source, with its first key",
    "rotate_lead_source_key": "rotated its key",
    "revoke_lead_source": "revoked it",
}


class NewSourceForm(NewLeadSource, Form):
    """As the JSON route takes it."""


class RotateForm(Form):
    """Nothing but the session's mark."""


class RevokeForm(LeadSourceRevocation, Form):
    """As the JSON route takes it."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    source: LeadSource
    keys: Sequence[LeadSourceKey]
    use: queries.SourceUse
    audit: Sequence[Moment]


@page_at(PATH + "/{source_id:uuid}", Capability.READ_OPS)
async def show_source(
    source_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        file = SourceFile(
            source=await queries.source(session, source_id),
            keys=(await queries.keys_of(session, [source_id])).get(source_id, []),
            use=await queries.use_of(session, source_id, console.clock.now() - WEEK),
            audit=await moments_of(session, [Subject("lead_source", source_id)], VERBS, console.wording),
        )
    actions = _actions(file.source, operator, settings.lead_key_overlap_hours)
    return show_document(console, request, _document(file, actions), done)


def _actions(source: LeadSource, operator: Operator, overlap_hours: float) -> list[Action]:
    is_revoked = source.revoked_at is not None
    why: dict[SourceAction, Any] = {
        action: refused(operator, WRITE, obstacle_to_source(action, is_revoked=is_revoked)) for action in SourceAction
    }
    path = f"{PATH}/{source.id}"
    present = (
        f"The present key works on for {overlap_hours:g} h." if overlap_hours else "The present key stops at once."
    )
    return [
        Action(
            SourceAction.ROTATE_KEY,
            "Rotate key",
            f"{path}/{SourceAction.ROTATE_KEY}",
            effect=f"Makes a new key and shows it once. {present}",
            **why[SourceAction.ROTATE_KEY],
        ),
        Action(
            SourceAction.REVOKE,
            "Revoke",
            f"{path}/{SourceAction.REVOKE}",
            effect="From then on none of its keys works, and it never gets another. The leads it handed in stay.",
            fields=(FormField("reason", "Reason", FieldKind.PROSE, hint="Stands in the timeline"),),
            done="Revoked: none of its keys works any more",
            destroys=True,
            **why[SourceAction.REVOKE],
        ),
    ]


def _document(file: SourceFile, actions: Sequence[Action]) -> Document:
    source, use = file.source, file.use
    state = "active" if source.revoked_at is None else "revoked"
    handed_in = counted(use.leads, "lead", "leads")
    return Document(
        title=source.name,
        room=ROOM,
        up=UP,
        states=(chip(state.capitalize(), TONES.get(state, "")),),
        sentence=f"It handed in {handed_in} in the last 7 days.",
        facts=[
            Fact("Last lead", Shown(use.last_lead_at, Kind.AGO)),
            Fact("Leads in 7 days", Shown(use.leads, Kind.NUMBER, path=f"/console/leads?source_id={source.id}")),
            Fact("Made", Shown(source.created_at, Kind.INSTANT)),
            Fact("Revoked", Shown(source.revoked_at, Kind.INSTANT)),
            Fact("Source id", Markup("<code>{}</code>").format(source.id)),
        ],
        actions=actions,
        sections=(_keys(file),),
        timeline=file.audit,
    )


def _keys(file: SourceFile) -> Table:
    is_revoked = file.source.revoked_at is not None
    unlimited = "Revoked with the source" if is_revoked else "Until it is rotated"
    return Table(
        "Keys",
        (("Begins with", Kind.ID), ("Made", Kind.INSTANT), ("Works until", Kind.INSTANT)),
        [
            (
                Shown(f"wbk_{key.prefix}_", Kind.ID),
                Shown(key.created_at, Kind.INSTANT),
                unlimited if is_revoked or key.expires_at is None else Shown(key.expires_at, Kind.INSTANT),
            )
            for key in reversed(file.keys)
        ],
        note="Of a key only its hash is kept: what is lost cannot be shown again, and is rotated.",
    )


@page_at(PATH + "/new", Capability.READ_OPS)
async def show_new_source(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    why: Any = refused(operator, WRITE)
    action = Action(
        "new",
        "Add lead source",
        PATH,
        effect="Makes its first key and shows it once.",
        fields=(FormField("name", "Name", is_required=True, longest=120, hint="No other source has it"),),
        **why,
    )
    return show_form(console, request, action, up=UP, room=ROOM)


@form_at(PATH, WRITE)
async def create_by_form(
    data: JSONBody[NewSourceForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Response[str]:
    answer = await create_lead_source.fn(data, database, clock, operator)
    return _show_key(console, request, answer.content)


@form_at(PATH + "/{source_id:uuid}/" + SourceAction.ROTATE_KEY, WRITE)
async def rotate_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RotateForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Response[str]:
    answer = await rotate_lead_source_key.fn(source_id, database, clock, settings, operator, key_ring)
    return _show_key(console, request, answer.content)


@form_at(PATH + "/{source_id:uuid}/" + SourceAction.REVOKE, WRITE)
async def revoke_by_form(
    source_id: FromPath[UUID],
    data: JSONBody[RevokeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    key_ring: Given[KeyRing],
) -> Redirect:
    await revoke_lead_source.fn(source_id, database, clock, operator, key_ring, data)
    return console.redirect(f"{PATH}/{source_id}?done={SourceAction.REVOKE}")


def _show_key(console: Console, request: Request[Any, Any, Any], issued: IssuedKey) -> Response[str]:
    """In this answer alone, which no cache keeps: a redirect would have to carry it."""
    context = {"issued": issued, "path": f"{PATH}/{issued.id}", "up": UP}
    return console.page(request, "issued.html", context, room=ROOM)


ROUTES = (show_source, show_new_source, create_by_form, rotate_by_form, revoke_by_form)
