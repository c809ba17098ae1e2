"""The NDAs that experts accepted per board. Dormant: nothing records new ones."""

from sqlalchemy import select

from chassis.console.cells import Kind
from chassis.console.listing import Column, Days, Empty, Exact, Listing, Search, routes_of
from contracts.identity import Capability
from services.intake.models import Board, Client, Nda
from services.intake.pages.boards import board_title, client_name

ROOM = "ndas"
PATH = "/console/ndas"

LISTING = Listing(
    name=ROOM,
    title="NDAs",
    noun=("acceptance", "acceptances"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=(select().select_from(Nda).join(Board, Board.id == Nda.board_id).join(Client, Client.id == Board.client_id)),
    key=Nda.id,
    order="-accepted",
    columns=(
        Column("expert", "Expert", Nda.expert_name),
        Column("board", "Board", Board.title, path=lambda row: f"/console/boards/{row.board_id}"),
        Column("client", "Client", Client.name, path=lambda row: f"/console/clients/{row.client_id}"),
        Column("document_version", "Document", Nda.document_version),
        Column("accepted", "Accepted", Nda.accepted_at, Kind.INSTANT, sorts=True),
        Column("expert_id", "Expert id", Nda.expert_id, Kind.ID, is_extra=True),
    ),
    also={"board_id": Nda.board_id, "client_id": Board.client_id},
    filters=(
        Search(
            "q",
            "Expert, board, client or id",
            texts=(Nda.expert_name, Board.title, Client.name),
            ids=(Nda.id, Nda.expert_id, Nda.board_id),
        ),
        Exact("board_id", "Board", column=Nda.board_id, name_of=board_title),
        Exact("client_id", "Client", column=Board.client_id, name_of=client_name),
        Days("accepted", "Accepted", column=Nda.accepted_at),
    ),
    empty=Empty(
        "No NDA has been recorded",
        "The flow is dormant: no part of Waybill asks experts to accept one. Acceptances that are brought over from "
        "elsewhere are listed here, per board.",
        "file-signature",
    ),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
