"""The simulator's room: what was asked for, and the leads that each draft would have moved."""

from sqlalchemy import BigInteger, cast, func, select

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Days, Empty, Exact, Listing, Tab, among, routes_of
from contracts.identity import Capability
from services.routing.domain.ordering import LEAD_PPM
from services.routing.domain.states import SimulationState
from services.routing.models import Installer, Simulation, SimulationRow
from services.routing.pages.telling import DISPATCHES

ROOM = "simulator"
PATH = "/console/simulations"
MOVED = "/console/simulated-leads"
TONES = {"finished": "positive", "running": "info", "asked": "info", "failed": "danger", "cancelled": "warning"}

LEAD, WHOLE = float(LEAD_PPM), 100.0
"""What a share and a filled cap are fractions of."""

_MOVED_COUNT = cast(Simulation.totals.op("->>")("moved"), BigInteger)

LISTING = Listing(
    name=ROOM,
    title="Simulations",
    noun=("simulation", "simulations"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Simulation),
    key=Simulation.id,
    order="-asked",
    columns=(
        Column("asked", "Asked", Simulation.asked_at, Kind.AGO, sorts=True),
        Column("by", "By", Simulation.asked_by_name),
        Column("state", "State", Simulation.state, Kind.CHIP, tone=TONES),
        Column("days", "Days", cast(Simulation.draft.op("->>")("days"), BigInteger), Kind.NUMBER),
        Column("leads", "Leads", Simulation.leads, Kind.NUMBER),
        Column("moved", "Moved", _MOVED_COUNT, Kind.NUMBER),
        Column("finished", "Ended", Simulation.finished_at, Kind.AGO),
    ),
    filters=(
        Choice("state", "State", options=among(Simulation.state, SimulationState)),
        Days("asked", "Asked", column=Simulation.asked_at),
    ),
    tabs=(Tab("Under way", "state=asked&state=running"), Tab("Finished", "state=finished"), Tab("All")),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("New simulation", f"{PATH}/new", Capability.WRITE_ROUTING),),
    empty=Empty(
        "No simulations here",
        "Past leads are decided again under other caps, hours or rules; nothing of dispatch is changed by it.",
        "flask-conical",
    ),
)


def _names(ids: object) -> object:
    return (
        select(func.string_agg(Installer.name, ", "))
        .where(Installer.id == func.any(ids))
        .correlate(SimulationRow)
        .scalar_subquery()
    )


MOVED_LEADS = Listing(
    name="simulated-leads",
    title="Leads that would have gone elsewhere",
    noun=("lead", "leads"),
    path=MOVED,
    capability=Capability.READ_OPS,
    rows=select().select_from(SimulationRow),
    key=SimulationRow.id,
    also={"lead_id": SimulationRow.lead_id},
    order="-received",
    columns=(
        Column("received", "Received", SimulationRow.received_at, Kind.INSTANT, sorts=True),
        Column("service", "Service", SimulationRow.service, Kind.WORD),
        Column("place", "Place", SimulationRow.place),
        Column("before", "As it is", _names(SimulationRow.before)),
        Column("after", "With the draft", _names(SimulationRow.after)),
        Column("before_cents", "Price as it is", SimulationRow.before_cents, Kind.MONEY),
        Column("after_cents", "Price with the draft", SimulationRow.after_cents, Kind.MONEY),
        Column("before_share", "Entitled as it is", SimulationRow.before_entitled_ppm / LEAD, Kind.SHARE),
        Column("after_share", "Entitled with the draft", SimulationRow.after_entitled_ppm / LEAD, Kind.SHARE),
        Column("before_at_cap", "At a cap as it is", SimulationRow.before_at_cap, Kind.NUMBER),
        Column("after_at_cap", "At a cap with the draft", SimulationRow.after_at_cap, Kind.NUMBER),
        Column("before_cap", "Cap filled as it is", SimulationRow.before_cap_percent / WHOLE, Kind.SHARE),
        Column("after_cap", "Cap filled with the draft", SimulationRow.after_cap_percent / WHOLE, Kind.SHARE),
        Column("unpriced", "Prices not known", SimulationRow.unpriced, Kind.NUMBER, is_extra=True),
    ),
    filters=(
        Exact("simulation_id", "Simulation", column=SimulationRow.simulation_id),
        Days("received", "Received", column=SimulationRow.received_at),
    ),
    document=lambda row: f"{DISPATCHES}/{row.lead_id}",
    empty=Empty("No lead would have moved", "Each went where it would have gone without the draft.", "route"),
)

LISTINGS = (LISTING, MOVED_LEADS)
ROUTES = (*routes_of(LISTING), *routes_of(MOVED_LEADS))
