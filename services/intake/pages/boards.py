"""The boards: work that clients contracted, and what it is worth."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind
from chassis.console.listing import Amount, Choice, Column, Days, Empty, Exact, Listing, Search, Tab, among, routes_of
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import BoardStatus
from services.intake.models import Board, Client

ROOM = "boards"
PATH = "/console/boards"
OPEN = "status=open"
WRITE = Capability.MANAGE_BILLING_OPS

TONES = {BoardStatus.OPEN: "info", BoardStatus.CLOSED: "positive"}


async def client_name(session: AsyncSession, client_id: UUID) -> str | None:
    return await queries.client_name(session, client_id)


async def board_title(session: AsyncSession, board_id: UUID) -> str | None:
    return await queries.board_title(session, board_id)


LISTING = Listing(
    name=ROOM,
    title="Boards",
    noun=("board", "boards"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Board).join(Client, Client.id == Board.client_id),
    key=Board.id,
    order="-opened",
    columns=(
        Column("title", "Board", Board.title),
        Column("client", "Client", Client.name, path=lambda row: f"/console/clients/{row.client_id}"),
        Column("status", "Status", Board.status, Kind.CHIP, tone=TONES),
        Column("purchase_order", "Purchase order", Board.purchase_order),
        Column("opened", "Opened", Board.opened_at, Kind.AGO, sorts=True),
        Column("closed_at", "Closed", Board.closed_at, Kind.DAY),
        Column(
            "contracted", "Contracted ex GST, AUD", Board.contracted_amount_cents, Kind.MONEY, sorts=True, sums=True
        ),
        Column("board_id", "Board id", Board.id, Kind.ID, is_extra=True),
    ),
    also={"client_id": Board.client_id},
    filters=(
        Search(
            "q",
            "Board, client, purchase order or id",
            texts=(Board.title, Client.name, Board.purchase_order),
            ids=(Board.id, Client.id),
        ),
        Choice("status", "Status", options=among(Board.status, BoardStatus)),
        Exact("client_id", "Client", column=Board.client_id, name_of=client_name),
        Days("opened", "Opened", column=Board.opened_at),
        Days("closed", "Closed", column=Board.closed_at),
        Amount("contracted", "Contracted", column=Board.contracted_amount_cents),
    ),
    tabs=(Tab("Open", OPEN), Tab("Closed", "status=closed"), Tab("All")),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("Open board", f"{PATH}/new", WRITE),),
    empty=Empty("No boards here", "A board is opened for a client once its work is contracted."),
)

ROUTES = routes_of(LISTING)
