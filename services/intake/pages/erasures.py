"""Persons who were erased: when, for whom, by whom, and how many leads were theirs."""

from typing import Any

from sqlalchemy import Row, func, select

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Days, Empty, Listing, Search, Tab, among, routes_of
from contracts.identity import Capability
from services.intake.domain.erasure import AskedVia, ErasureReason
from services.intake.models import Erasure

ROOM = "erasures"
PATH = "/console/erasures"
WRITE = Capability.WRITE_ROUTING

VIA: dict[str, str] = {
    AskedVia.PERSON: "The person",
    AskedVia.SOURCE: "The lead source",
    AskedVia.REGULATOR: "A regulator",
}


def _says_via(row: Row[Any]) -> str:
    return VIA[row.via]


LISTING = Listing(
    name=ROOM,
    title="Erasures",
    noun=("erasure", "erasures"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Erasure),
    key=Erasure.id,
    order="-erased",
    columns=(
        Column("erased", "Erased", Erasure.erased_at, Kind.INSTANT, sorts=True),
        Column("leads", "Leads", func.cardinality(Erasure.lead_ids), Kind.NUMBER),
        Column("via", "Asked by", Erasure.asked_via, say=_says_via),
        Column("reason", "Why", Erasure.reason_code, Kind.WORD),
        Column("by", "Erased by", Erasure.requested_by),
        Column("note", "In their words", Erasure.note, wraps=True),
        Column("id_", "Erasure id", Erasure.id, Kind.ID, is_extra=True),
    ),
    filters=(
        Search("q", "Note or operator", texts=(Erasure.note, Erasure.requested_by), ids=(Erasure.id,)),
        Choice("via", "Asked by", options=among(Erasure.asked_via, AskedVia, VIA)),
        Choice("reason", "Why", options=among(Erasure.reason_code, ErasureReason)),
        Days("erased", "Erased", column=Erasure.erased_at),
    ),
    tabs=(Tab("All"),),
    document=lambda row: f"{PATH}/{row.id}",
    links=(("Erase a person", f"{PATH}/new", WRITE),),
    empty=Empty(
        "Nobody was erased yet", "Who asks that we forget them is found by name, e-mail or phone, and erased for good."
    ),
)

ROUTES = routes_of(LISTING)
