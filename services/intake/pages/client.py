"""One client: its terms, which can be changed, its boards, and adding a new one."""

from collections.abc import Sequence
from dataclasses import asdict
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
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Done, Elsewhere, Fact, Facts, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import moments_of, refuse_if_changed, seen_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Line, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.clients import ClientTerms, change_client
from services.intake.http.clients import BillingAddress, NewClient, TermsDays, add_client
from services.intake.http.fields import Abn, Email
from services.intake.models import Board, Client
from services.intake.pages.boards import PATH as BOARDS
from services.intake.pages.boards import TONES as BOARD_TONES
from services.intake.pages.clients import PATH, ROOM, WRITE
from services.intake.pages.new import show_form
from services.intake.settings import Settings

UP = ("Clients", PATH)
VERBS = {"create_client": "added the client", "change_client": "changed it"}
EDIT = "edit"
BOARDS_SHOWN = 20


class NewClientForm(NewClient, Form):
    """As the JSON route takes it."""


class EditForm(Form):
    """All that is kept of a client stands in the form: what is left empty is to be empty."""

    name: Line
    abn: Abn | None = None
    billing_name: Line
    billing_email: Email
    billing_address: BillingAddress | None = None
    terms_days: TermsDays
    seen: UUID | None = None

    def terms(self) -> ClientTerms:
        return ClientTerms(
            name=self.name,
            abn=self.abn,
            billing_name=self.billing_name,
            billing_email=self.billing_email,
            billing_address=self.billing_address,
            terms_days=self.terms_days,
        )


@page_at(PATH + "/{client_id:uuid}", Capability.READ_OPS)
async def show_client(
    client_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    subject = Subject("client", client_id)
    async with database.reading() as session:
        client = await queries.client(session, client_id)
        boards = await queries.latest_boards(session, client_id, BOARDS_SHOWN)
        open_boards = await queries.open_boards(session, client_id)
        timeline = await moments_of(session, [subject], VERBS, console.wording)
        seen = await seen_of(session, subject)
    document = Document(
        title=client.name,
        room=ROOM,
        up=UP,
        sentence=f"{counted(open_boards, 'board is', 'boards are')} open. Invoices go to {client.billing_name} and "
        f"are due {counted(client.terms_days, 'day', 'days')} from their issue.",
        actions=(_edit(client, seen, refused(operator, WRITE)),),
        sections=(Facts("Who is invoiced", _facts(client)), _boards(client, boards)),
        timeline=timeline,
        elsewhere=(Elsewhere("Billing", "billing", "client", client.id),),
        links=(("Open board", f"{BOARDS}/new?client_id={client.id}"),) if operator.can(WRITE) else (),
    )
    return show_document(console, request, document, done)


def _facts(client: Client) -> list[Fact]:
    return [
        Fact("Invoiced to", client.billing_name),
        Fact("ABN", Shown(client.abn)),
        Fact("Billing e-mail", client.billing_email),
        Fact("Billing address", Shown(client.billing_address)),
        Fact("Terms", f"{client.terms_days} days from issue"),
        Fact("Added", Shown(client.created_at, Kind.INSTANT)),
        Fact("Client id", Markup("<code>{}</code>").format(client.id)),
    ]


def _boards(client: Client, boards: Sequence[Board]) -> Table:
    return Table(
        "Boards",
        (("Board", Kind.TEXT), ("Status", Kind.CHIP), ("Opened", Kind.AGO), ("Contracted ex GST, AUD", Kind.MONEY)),
        [
            (
                Shown(board.title, path=f"{BOARDS}/{board.id}"),
                Shown(board.status, Kind.CHIP, tones={str(word): tone for word, tone in BOARD_TONES.items()}),
                Shown(board.opened_at, Kind.AGO),
                Shown(board.contracted_amount_cents, Kind.MONEY),
            )
            for board in boards
        ],
        empty="No board was opened for it yet.",
        more=("All of its boards, with their sum", f"{BOARDS}?client_id={client.id}") if boards else None,
    )


def _edit(client: Client, seen: str, why: Any) -> Action:
    return Action(
        EDIT,
        "Change client",
        f"{PATH}/{client.id}/{EDIT}",
        effect="Counts for every invoice that is drafted from then on; what is drafted or issued stays as it is.",
        fields=_fields({name: "" if value is None else str(value) for name, value in _kept(client).items()}),
        hidden={"seen": seen},
        done="Changed",
        **why,
    )


def _kept(client: Client) -> dict[str, Any]:
    return asdict(ClientTerms.of(client))


def _fields(kept: dict[str, str]) -> tuple[FormField, ...]:
    """Of a new client where nothing is kept: its name to invoice and its terms are then filled in."""
    is_new = not kept
    return (
        FormField("name", "Name", value=kept.get("name", ""), is_required=True),
        FormField("abn", "ABN", value=kept.get("abn", ""), longest=20, hint="Eleven digits, checked"),
        FormField(
            "billing_name",
            "Invoiced to",
            value=kept.get("billing_name", ""),
            is_required=not is_new,
            hint="Stands on the invoice" + ("; the client's name unless given" if is_new else ""),
        ),
        FormField(
            "billing_email",
            "Billing e-mail",
            FieldKind.EMAIL,
            kept.get("billing_email", ""),
            is_required=True,
            longest=254,
        ),
        FormField("billing_address", "Billing address", FieldKind.PROSE, kept.get("billing_address", ""), longest=500),
        FormField(
            "terms_days",
            "Terms, days from issue to due",
            FieldKind.NUMBER,
            kept.get("terms_days", ""),
            is_required=not is_new,
        ),
    )


@form_at(PATH + "/{client_id:uuid}/" + EDIT, WRITE)
async def edit_by_form(
    client_id: FromPath[UUID],
    data: JSONBody[EditForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("client", client_id), data.seen)
        await change_client(session, client_id, asdict(data.terms()), operator)
    return console.redirect(f"{PATH}/{client_id}?done={EDIT}")


@page_at(PATH + "/new", Capability.READ_OPS)
async def show_new_client(
    request: Request[Any, Any, Any], console: Given[Console], settings: Given[Settings], operator: Given[Operator]
) -> Response[str]:
    why: Any = refused(operator, WRITE)
    action = Action(
        "new",
        "Add client",
        PATH,
        effect=f"Without terms of its own its invoices are due {settings.client_terms_days} days from their issue.",
        fields=_fields({}),
        **why,
    )
    return show_form(console, request, action, up=UP, room=ROOM)


@form_at(PATH, WRITE)
async def add_by_form(
    data: JSONBody[NewClientForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    client = await add_client.fn(data, database, clock, settings, operator)
    return console.redirect(f"{PATH}/{client.id}")


ROUTES = (show_client, edit_by_form, show_new_client, add_by_form)
