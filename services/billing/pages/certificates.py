"""Certificates of the books: taken every night and by hand, kept as they were given."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, case, select

from chassis.console.cells import Kind
from chassis.console.listing import Choice, Column, Days, Empty, Listing, Option, Search, Tab, routes_of
from contracts.identity import Capability
from services.billing.models import Certificate

ROOM = "certificates"
PATH = "/console/certificates"
MONEY = Capability.MANAGE_BILLING_OPS

STATES: Mapping[str, str] = {
    "ties": "The books tie",
    "uncompared": "The books tie, Stripe not compared",
    "fails": "The books do not tie",
}
TONES: Mapping[str, str] = {"ties": "positive", "uncompared": "warning", "fails": "danger"}
SIGNED: Mapping[str, str] = {"signed": "Signed", "unsigned": "Unsigned"}

_FAILS = Certificate.failed_count > 0
_UNCOMPARED = (Certificate.failed_count == 0) & (Certificate.not_compared_count > 0)
_TIES = (Certificate.failed_count == 0) & (Certificate.not_compared_count == 0)
_SIGNED = Certificate.signature.is_not(None)
ROWS: Select[Any] = select().select_from(Certificate)

LISTING = Listing(
    name=ROOM,
    title="Certificates",
    noun=("certificate", "certificates"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=Certificate.id,
    order="-taken",
    one_per=Certificate,
    note="Every equality of the books, looked at in one snapshot; what is kept is never changed.",
    links=(("Certify the books", f"{PATH}/new", MONEY),),
    columns=(
        Column("taken", "Taken", Certificate.taken_at, Kind.AGO, sorts=True),
        Column(
            "state",
            "State",
            case((_FAILS, "fails"), (_UNCOMPARED, "uncompared"), else_="ties"),
            Kind.CHIP,
            say=lambda row: STATES[row.state],
            tone=TONES,
        ),
        Column("failed", "Do not hold", Certificate.failed_count, Kind.NUMBER),
        Column("not_compared", "Not compared", Certificate.not_compared_count, Kind.NUMBER),
        Column("equalities", "Equalities", Certificate.equality_count, Kind.NUMBER),
        Column(
            "signature",
            "Signature",
            case((_SIGNED, "signed"), else_="unsigned"),
            Kind.CHIP,
            say=lambda row: SIGNED[row.signature],
            tone={"unsigned": "warning"},
        ),
        Column("by", "Taken by", Certificate.taken_by_name, wraps=True),
        Column("as_of", "As of", Certificate.as_of, Kind.INSTANT, is_extra=True),
        Column("sha256", "SHA-256", Certificate.sha256, is_extra=True),
    ),
    filters=(
        Search("q", "Hash or key", texts=(Certificate.sha256, Certificate.key_id), ids=(Certificate.id,)),
        Choice(
            "state",
            "State",
            options=[
                Option("ties", STATES["ties"], _TIES),
                Option("uncompared", STATES["uncompared"], _UNCOMPARED),
                Option("fails", STATES["fails"], _FAILS),
            ],
        ),
        Choice(
            "signature",
            "Signature",
            options=[
                Option("signed", SIGNED["signed"], _SIGNED),
                Option("unsigned", SIGNED["unsigned"], Certificate.signature.is_(None)),
            ],
        ),
        Days("taken", "Taken", column=Certificate.taken_at),
    ),
    tabs=(Tab("All"), Tab("Do not tie", "state=fails")),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No certificates", "The books are certified every night, and whenever you ask for it.", "badge-check"),
)


def state_of(certificate: Certificate) -> str:
    """What Stripe alone knows is no part of books that tie where it was not compared."""
    if certificate.failed_count:
        return "fails"
    return "uncompared" if certificate.not_compared_count else "ties"


ROUTES = routes_of(LISTING)
