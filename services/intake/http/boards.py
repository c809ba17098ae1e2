"""Boards of corporate clients."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import Currency
from services.intake import queries
from services.intake.commands.boards import OpenBoard, close_board, open_board
from services.intake.domain import BoardAction, BoardStatus

LARGEST_AMOUNT_CENTS = 100_000_000_000
"""A thousand million dollars: what is beyond is a slip of the keyboard."""
AmountCents = Annotated[int, Field(gt=0, le=LARGEST_AMOUNT_CENTS, description="integer cents, without GST")]
PurchaseOrder = Annotated[Line, StringConstraints(max_length=100)]


class BoardRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    client_id: UUID
    title: str
    contracted_amount_cents: int
    currency: Currency
    purchase_order: str | None
    status: BoardStatus
    opened_at: datetime
    closed_at: datetime | None
    available_actions: list[BoardAction]


class NewBoard(Body):
    client_id: UUID
    title: Line
    contracted_amount_cents: AmountCents
    currency: Currency = "AUD"
    purchase_order: PurchaseOrder | None = None


@post("/admin/boards", guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def open_client_board(
    data: JSONBody[NewBoard], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> BoardRow:
    """Open a board for a client, for the amount that its close invoices."""
    command = OpenBoard(
        client_id=data.client_id,
        title=data.title,
        contracted_amount_cents=data.contracted_amount_cents,
        currency=data.currency,
        purchase_order=data.purchase_order,
        by=operator,
        now=clock.now(),
    )
    async with database.transaction() as session:
        board = await open_board(session, command)
    return BoardRow.model_validate(board)


@get("/admin/boards", guards=[requires(Capability.READ_OPS)])
async def list_boards(
    database: Given[Database],
    page: Given[PageRequest],
    client_id: FromQuery[UUID | None] = None,
    status: FromQuery[BoardStatus | None] = None,
) -> Page[BoardRow]:
    """Newest first."""
    async with database.reading() as session:
        boards = await queries.list_boards(session, page, client_id=client_id, status=status)
    return page.page(boards, lambda board: (board.opened_at, board.id), BoardRow.model_validate)


@get("/admin/boards/{board_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_board(board_id: FromPath[UUID], database: Given[Database]) -> BoardRow:
    async with database.reading() as session:
        return BoardRow.model_validate(await queries.board(session, board_id))


@post(
    "/admin/boards/{board_id:uuid}/close",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
    status_code=200,
)
async def close_client_board(
    board_id: FromPath[UUID], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> BoardRow:
    """The work is done: the client is invoiced and the experts' pay is allocated. Closed twice answers the same."""
    async with database.transaction() as session:
        board = await close_board(session, board_id, operator, clock.now())
    return BoardRow.model_validate(board)


ROUTES = (open_client_board, list_boards, get_board, close_client_board)
