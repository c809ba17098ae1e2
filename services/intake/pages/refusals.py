"""What lead sources were refused, hour by hour: as whole requests by the answer's code, and fault by fault."""

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import Row, Text, func, select

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Days, Empty, Exact, Listing, Option, routes_of
from chassis.console.listing import Text as Word
from contracts.identity import Capability
from services.intake import queries
from services.intake.errors import RateLimited
from services.intake.models import LeadSource, SourceRejection
from services.intake.pages.leads_found import SOURCE
from services.intake.pages.sources import PATH as SOURCES
from services.intake.pages.sources import ROOM
from services.intake.queries.rejections import Refused

PATH = f"{SOURCES}/refusals"
SAID = {Refused.REQUESTS: "Requests", Refused.TOO_FAST: "Sent back as too fast", Refused.FIELDS: "Faults of fields"}


def path_of(source_id: UUID, first: date, last: date, code: str = "", field: str = "") -> str:
    """Of the requests that were refused on these days; of a field's faults, or of whole requests, by their code."""
    what = Refused.FIELDS if field else Refused.TOO_FAST if code == RateLimited.code else Refused.REQUESTS
    asked = {"source_id": source_id, "hour_from": first, "hour_to": last, "what": what, "code": code, "field": field}
    return f"{PATH}?{urlencode({name: value for name, value in asked.items() if value})}"


def _says_field(row: Row[Any]) -> str:
    return row.field or "The request as a whole"


LISTING = Listing(
    name="refusals",
    title="Refusals",
    noun=("hour of a code", "hours of a code"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(SourceRejection).join(LeadSource, LeadSource.id == SourceRejection.source_id),
    key=func.concat_ws(" ", SourceRejection.source_id, SourceRejection.code, SourceRejection.field, type_=Text),
    order="-hour",
    room=ROOM,
    columns=(
        Column("hour", "Hour", SourceRejection.hour, Kind.INSTANT, sorts=True),
        SOURCE,
        Column("code", "Code", SourceRejection.code),
        Column("field", "Field", SourceRejection.field, say=_says_field),
        Column("number", "Number", SourceRejection.number, Kind.NUMBER, sums=True),
    ),
    also={"source_id": SourceRejection.source_id},
    filters=(
        Choice("what", "What", options=[Option(what, told, what.condition) for what, told in SAID.items()]),
        Exact("source_id", "Source", column=SourceRejection.source_id, name_of=queries.source_name),
        Word("code", "Code", column=SourceRejection.code),
        Word("field", "Field", column=SourceRejection.field),
        Days("hour", "Hour", column=SourceRejection.hour),
    ),
    empty=Empty("Nothing was refused", "What a source is told no to is counted here, without what it sent."),
    note="Counted by the hour, and kept for 400 days. What was sent is not kept. A request may have several faults.",
)

ROUTES = routes_of(LISTING)
