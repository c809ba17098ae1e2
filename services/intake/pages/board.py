"""One board, its close, which invoices the client and pays the experts, and opening a new one."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Redirect
from markupsafe import Markup
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip, link
from chassis.console.documents import Document, Done, Elsewhere, Fact, show_document
from chassis.console.fields import Dollars, FieldKind, FormField
from chassis.console.timeline import moments_of
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import BoardAction, obstacle_to_board
from services.intake.http.boards import LARGEST_AMOUNT_CENTS, NewBoard, close_client_board, open_client_board
from services.intake.models import Board, Client
from services.intake.pages.boards import OPEN, PATH, ROOM, TONES, WRITE
from services.intake.pages.new import show_form

UP = ("Boards", f"{PATH}?{OPEN}")
VERBS = {"open_board": "opened the board", "close_board": "closed it"}


class NewBoardForm(NewBoard, Form):
    """As the JSON route takes it, with the amount in dollars."""

    contracted_amount_cents: Annotated[Dollars, Field(gt=0, le=LARGEST_AMOUNT_CENTS)]


class CloseForm(Form):
    """Nothing but the session's mark."""


@page_at(PATH + "/{board_id:uuid}", Capability.READ_OPS)
async def show_board(
    board_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        board = await queries.board(session, board_id)
        client = await queries.client(session, board.client_id)
        timeline = await moments_of(session, [Subject("board", board_id)], VERBS, console.wording)
    url = console.addresses.url
    document = Document(
        title=board.title,
        room=ROOM,
        up=UP,
        states=(chip(words(board.status), TONES[board.status]),),
        sentence=_sentence(board, client, console),
        amount=money(board.contracted_amount_cents),
        amount_note=f"{board.currency}, contracted without GST",
        facts=_facts(board, client),
        actions=(_close(board, client, refused(operator, WRITE, obstacle_to_board(BoardAction.CLOSE, board.status))),),
        timeline=timeline,
        elsewhere=(
            Elsewhere("Invoice", "billing", "board", board.id),
            Elsewhere("Experts' pay", "payouts", "board", board.id),
        ),
        links=(
            ("Client invoices", url("billing", f"/console/client-invoices?board_id={board.id}")),
            ("Experts' pay", url("payouts", f"/console/board-splits/{board.id}")),
        ),
    )
    return show_document(console, request, document, done)


def _sentence(board: Board, client: Client, console: Console) -> Markup:
    ago = console.wording.ago
    if board.closed_at is None:
        told = Markup("For {}, opened {}. It is closed once the work is done.")
        return told.format(_client(client), ago(board.opened_at))
    told = Markup("For {}, opened {} and closed {}. That drafted the client's invoice and allocated the experts' pay.")
    return told.format(_client(client), ago(board.opened_at), ago(board.closed_at))


def _client(client: Client) -> Markup:
    return link(f"/console/clients/{client.id}", client.name)


def _facts(board: Board, client: Client) -> list[Fact]:
    return [
        Fact("Client", _client(client)),
        Fact("Purchase order", Shown(board.purchase_order)),
        Fact("Terms", f"{client.terms_days} days from issue"),
        Fact("Opened", Shown(board.opened_at, Kind.INSTANT)),
        Fact("Closed", Shown(board.closed_at, Kind.INSTANT)),
        Fact("Board id", Markup("<code>{}</code>").format(board.id)),
    ]


def _close(board: Board, client: Client, why: Any) -> Action:
    return Action(
        BoardAction.CLOSE,
        "Close board",
        f"{PATH}/{board.id}/close",
        effect=f"Drafts the invoice of {money(board.contracted_amount_cents)} plus GST to {client.billing_name}, due "
        f"{client.terms_days} days from its issue, and allocates the experts' pay. A closed board stays closed.",
        done="Closed: the client's invoice is drafted and the experts' pay allocated",
        **why,
    )


@form_at(PATH + "/{board_id:uuid}/close", WRITE, step_up=True)
async def close_by_form(
    board_id: FromPath[UUID],
    data: JSONBody[CloseForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await close_client_board.fn(board_id, database, clock, operator)
    return console.redirect(f"{PATH}/{board_id}?done={BoardAction.CLOSE}")


@page_at(PATH + "/new", Capability.READ_OPS)
async def show_new_board(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    client_id: Annotated[UUID | None, QueryParameter(description="chosen already")] = None,
) -> Response[str]:
    async with database.reading() as session:
        clients = [(str(id_), name) for id_, name in await queries.client_names(session)]
    none_yet = {} if clients else {"why_not": "there is no client yet: make one first"}
    why: Any = none_yet | dict(refused(operator, WRITE))
    action = Action(
        "new",
        "Open board",
        PATH,
        effect="Experts can be given their part of it. Nothing is invoiced before it is closed.",
        fields=(
            FormField("client_id", "Client", FieldKind.CHOICE, str(client_id or ""), "", True, clients),
            FormField("title", "Title", is_required=True, hint="Stands on the invoice"),
            FormField(
                "contracted_amount_cents", "Contracted amount, AUD without GST", FieldKind.MONEY, is_required=True
            ),
            FormField("purchase_order", "Purchase order", longest=100, hint="Stands on the invoice"),
        ),
        **why,
    )
    return show_form(console, request, action, up=UP, room=ROOM)


@form_at(PATH, WRITE)
async def open_by_form(
    data: JSONBody[NewBoardForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    board = await open_client_board.fn(data, database, clock, operator)
    return console.redirect(f"{PATH}/{board.id}")


ROUTES = (show_board, close_by_form, show_new_board, open_by_form)
