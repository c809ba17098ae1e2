"""The lead sources: who may hand leads in, and how much they do."""

from datetime import timedelta

from sqlalchemy import case, func, select

from chassis.console.cells import Kind
from chassis.console.listing import NOW, Choice, Column, Empty, Listing, Option, Search, Tab, routes_of
from contracts.identity import Capability
from services.intake.models import Lead, LeadSource

ROOM = "lead-sources"
PATH = "/console/lead-sources"
WORKING = "state=active"
WRITE = Capability.WRITE_ROUTING
WEEK = timedelta(days=7)

TONES = {"active": "positive"}
OF_SOURCE = Lead.source_id == LeadSource.id

LISTING = Listing(
    name=ROOM,
    title="Lead sources",
    noun=("lead source", "lead sources"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(LeadSource),
    key=LeadSource.id,
    order="name",
    columns=(
        Column("name", "Name", LeadSource.name, sorts=True),
        Column(
            "state", "State", case((LeadSource.revoked_at.is_(None), "active"), else_="revoked"), Kind.CHIP, tone=TONES
        ),
        Column(
            "leads_in_7_days",
            "Leads in 7 days",
            select(func.count())
            .where(OF_SOURCE, Lead.received_at >= NOW - WEEK)
            .correlate(LeadSource)
            .scalar_subquery(),
            Kind.NUMBER,
            path=lambda row: f"/console/leads?source_id={row.id}",
        ),
        Column(
            "last_lead",
            "Last lead",
            select(func.max(Lead.received_at)).where(OF_SOURCE).correlate(LeadSource).scalar_subquery(),
            Kind.AGO,
        ),
        Column("made", "Made", LeadSource.created_at, Kind.DAY, sorts=True),
        Column("revoked_at", "Revoked", LeadSource.revoked_at, Kind.DAY),
        Column("source_id", "Source id", LeadSource.id, Kind.ID, is_extra=True),
    ),
    filters=(
        Search("q", "Name or id", texts=(LeadSource.name,), ids=(LeadSource.id,)),
        Choice(
            "state",
            "State",
            options=(
                Option("active", "Active", LeadSource.revoked_at.is_(None)),
                Option("revoked", "Revoked", LeadSource.revoked_at.is_not(None)),
            ),
        ),
    ),
    tabs=(Tab("Active", WORKING), Tab("Revoked", "state=revoked"), Tab("All")),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("Add lead source", f"{PATH}/new", WRITE),),
    empty=Empty("No lead sources here", "A new lead source gets a key, and hands leads in with it."),
)

ROUTES = routes_of(LISTING)
