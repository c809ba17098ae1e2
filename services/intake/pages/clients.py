"""The corporate clients: whom boards are invoiced to, and on what terms."""

from sqlalchemy import BigInteger, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import Column, Days, Empty, Flag, Listing, Search, routes_of
from contracts.identity import Capability
from services.intake.domain import BoardStatus
from services.intake.models import Board, Client

ROOM = "clients"
PATH = "/console/clients"
WRITE = Capability.MANAGE_BILLING_OPS

_OPEN = select(Board).where(Board.client_id == Client.id, Board.status == BoardStatus.OPEN).correlate(Client)

_CONTRACTED = cast(
    func.coalesce(_OPEN.with_only_columns(func.sum(Board.contracted_amount_cents)).scalar_subquery(), 0), BigInteger
)


def without_separators(typed: str) -> str:
    """ABNs are written in groups, and kept without."""
    digits = typed.replace(" ", "")
    return digits if digits.isdigit() else ""


LISTING = Listing(
    name=ROOM,
    title="Clients",
    noun=("client", "clients"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Client),
    key=Client.id,
    order="name",
    columns=(
        Column("name", "Client", Client.name, sorts=True),
        Column("abn", "ABN", Client.abn),
        Column("billing_name", "Invoiced to", Client.billing_name),
        Column("billing_email", "Billing e-mail", Client.billing_email),
        Column("terms_days", "Terms, days", Client.terms_days, Kind.NUMBER, sorts=True),
        Column(
            "open_boards",
            "Open boards",
            _OPEN.with_only_columns(func.count()).scalar_subquery(),
            Kind.NUMBER,
            path=lambda row: f"/console/boards?status=open&client_id={row.id}",
        ),
        Column(
            "open_contracted",
            "Open, ex GST, AUD",
            _CONTRACTED,
            Kind.MONEY,
            sums=True,
        ),
        Column("billing_address", "Billing address", Client.billing_address, is_extra=True),
        Column("added", "Added", Client.created_at, Kind.DAY, sorts=True, is_extra=True),
        Column("client_id", "Client id", Client.id, Kind.ID, is_extra=True),
    ),
    filters=(
        Search(
            "q",
            "Name, ABN, e-mail or id",
            texts=(Client.name, Client.abn, Client.billing_name, Client.billing_email),
            ids=(Client.id,),
            normal=without_separators,
        ),
        Flag("with_open_boards", "With open boards", condition=_OPEN.exists()),
        Days("added", "Added", column=Client.created_at),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("Add client", f"{PATH}/new", WRITE),),
    empty=Empty("No clients", "A client is added before its first board is opened.", "building-2"),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
