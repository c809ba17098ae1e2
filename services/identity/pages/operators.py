"""Operators: who may come in, as what, and since when."""

from sqlalchemy import case, func, select

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Days, Empty, Flag, Listing, Option, Search, Tab, among, routes_of
from contracts.identity import Capability, Role
from services.identity.domain import OperatorStatus
from services.identity.models import Operator, OperatorSession
from services.identity.queries import has_status, is_lapsing

ROOM = "operators"
PATH = "/console/operators"
LAPSING = f"{PATH}?lapsing=true"
ACCESS = Capability.MANAGE_ADMIN_ACCESS
TONES = {OperatorStatus.ACTIVE: "positive", OperatorStatus.INVITED: "info", OperatorStatus.DISABLED: ""}

_STATUS = case(*((has_status(status), status.value) for status in OperatorStatus))
_LAST_SEEN = (
    select(func.max(OperatorSession.last_seen_at))
    .where(OperatorSession.operator_id == Operator.id)
    .correlate(Operator)
    .scalar_subquery()
)

LISTING = Listing(
    name=ROOM,
    title="Operators",
    noun=("operator", "operators"),
    path=PATH,
    capability=ACCESS,
    rows=select().select_from(Operator),
    key=Operator.id,
    order="name",
    columns=(
        Column("name", "Name", Operator.name, sorts=True),
        Column("email", "E-mail", Operator.email, sorts=True),
        Column("role", "Role", Operator.role, Kind.WORD),
        Column("status", "State", _STATUS, Kind.CHIP, tone=TONES),
        Column("seen", "Last seen", _LAST_SEEN, Kind.AGO),
        Column("since", "Here since", Operator.created_at, Kind.AGO, sorts=True),
        Column("second_factor", "Second factor since", Operator.totp_enrolled_at, Kind.AGO, is_extra=True),
    ),
    filters=(
        Search("q", "Name or e-mail", texts=(Operator.name, Operator.email), ids=(Operator.id,)),
        Choice("role", "Role", options=among(Operator.role, Role)),
        Choice(
            "status",
            "State",
            options=tuple(Option(each, each.value.capitalize(), has_status(each)) for each in OperatorStatus),
        ),
        Flag("lapsing", "Invitation runs out within a day", condition=is_lapsing()),
        Days("since", "Here since", column=Operator.created_at),
    ),
    tabs=(Tab("Everybody"), Tab("Invited", "status=invited"), Tab("Disabled", "status=disabled")),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("Invite operator", f"{PATH}/invite", ACCESS),),
    empty=Empty("Nobody", "Who is invited comes here, and into the console once a second factor is set.", "users"),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
