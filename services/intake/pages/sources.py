"""The lead sources: who may hand leads in, how much they do, and how much of it can be taken."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Float, Row, case, cast, func, select

from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import NOW, Choice, Column, Empty, Listing, Option, Search, Tab, routes_of
from contracts.identity import Capability
from services.intake.domain import SourceMode
from services.intake.models import Lead, LeadAssignment, LeadSource, SourceRejection
from services.intake.queries.leads import IS_DOUBLE
from services.intake.queries.quality import REQUEST, SENT_BACK

ROOM = "lead-sources"
PATH = "/console/lead-sources"
WORKING = "state=active"
WRITE = Capability.WRITE_ROUTING
REASON = FormField("reason", "Reason", FieldKind.PROSE, hint="Stands in the timeline", is_required=True)
REASON_IF_ANY = replace(REASON, is_required=False)
WEEK, MONTH = timedelta(days=7), timedelta(days=30)

TONES = {"active": "positive"}
MODE_TONES = {SourceMode.TEST: "info"}
OF_SOURCE = Lead.source_id == LeadSource.id

_TAKEN = select(func.count()).where(OF_SOURCE, Lead.received_at >= NOW - MONTH).correlate(LeadSource).scalar_subquery()
_REFUSED = (
    select(func.coalesce(func.sum(SourceRejection.number), 0))
    .where(SourceRejection.source_id == LeadSource.id, SourceRejection.hour >= NOW - MONTH, REQUEST, ~SENT_BACK)
    .correlate(LeadSource)
    .scalar_subquery()
)
_OF_THE_MONTH = select(Lead.id).where(OF_SOURCE, Lead.received_at >= NOW - MONTH).correlate(LeadSource)
_DOUBLES = (
    select(func.count())
    .where(OF_SOURCE, Lead.received_at >= NOW - MONTH, IS_DOUBLE)
    .correlate(LeadSource)
    .scalar_subquery()
)
_DELIVERED = (
    select(func.count())
    .where(OF_SOURCE, Lead.received_at >= NOW - MONTH, Lead.delivered_at.is_not(None))
    .correlate(LeadSource)
    .scalar_subquery()
)
_RETURNED = (
    select(func.count(LeadAssignment.lead_id.distinct()))
    .where(LeadAssignment.returned_at.is_not(None), LeadAssignment.lead_id.in_(_OF_THE_MONTH))
    .correlate(LeadSource)
    .scalar_subquery()
)


def _say_rate(row: Row[Any]) -> str:
    return "Standard" if row.rate is None else f"{row.rate:,} a minute"


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
        Column("mode", "Mode", LeadSource.mode, Kind.CHIP, tone=MODE_TONES),
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
            "accepted_share",
            "Accepted, 30 days",
            # What is refused is soon counted: it is asked for twice, and the leads once.
            1 - cast(_REFUSED, Float) / func.nullif(_TAKEN + _REFUSED, 0),
            Kind.SHARE,
            path=lambda row: f"{PATH}/{row.id}/quality",
        ),
        Column(
            "duplicate_share",
            "Duplicates, 30 days",
            cast(_DOUBLES, Float) / func.nullif(_TAKEN, 0),
            Kind.SHARE,
            path=lambda row: f"{PATH}/{row.id}/quality",
        ),
        Column(
            "returned_share",
            "Returned, 30 days",
            cast(_RETURNED, Float) / func.nullif(_DELIVERED, 0),
            Kind.SHARE,
            path=lambda row: f"{PATH}/{row.id}/quality",
        ),
        Column(
            "last_lead",
            "Last lead",
            select(func.max(Lead.received_at)).where(OF_SOURCE).correlate(LeadSource).scalar_subquery(),
            Kind.AGO,
        ),
        Column("rate", "Rate", LeadSource.rate_per_minute, Kind.TEXT, say=_say_rate),
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
        Choice(
            "mode",
            "Mode",
            options=(
                Option("live", "Live", LeadSource.mode == SourceMode.LIVE),
                Option("test", "Test", LeadSource.mode == SourceMode.TEST),
            ),
        ),
    ),
    tabs=(
        Tab("Active", WORKING),
        Tab("In test mode", f"{WORKING}&mode=test"),
        Tab("Revoked", "state=revoked"),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("Add lead source", f"{PATH}/new", WRITE),),
    empty=Empty("No lead sources here", "A new lead source gets a key, and hands leads in with it."),
)

ROUTES = routes_of(LISTING)
