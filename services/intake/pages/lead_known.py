"""What the other services have done with a lead, from what intake keeps of their events: who got it, for how much."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Section, Table, Told
from chassis.console.timeline import Moment
from chassis.console.wording import DASH, counted, words
from services.intake.models import LeadMessage
from services.intake.pages.lead_file import LeadFile
from services.intake.queries.known import KnownAssignment

ASSIGNMENT_TONES = {"sent": "positive", "pending": "info", "failed": "danger", "returned": "warning"}
CAP_TONES = {"counted": "positive", "released": "warning", "reserved": "info"}
FINANCE_TONES = {"billable": "info", "held": "warning", "credited": "warning"}
MAIL_TONES = {"accepted": "positive", "failed": "danger", "bounced": "danger"}
INVOICE_TONES = {"paid": "positive", "void": "warning"}

HEADS = (
    ("Installer", Kind.TEXT),
    ("State", Kind.CHIP),
    ("Mail", Kind.CHIP),
    ("Cap", Kind.CHIP),
    ("Finance", Kind.CHIP),
    ("Price", Kind.MONEY),
    ("Invoice", Kind.TEXT),
)


async def assignments_of(file: LeadFile) -> Sequence[Section]:
    last = {message.assignment_id: message for message in file.known.messages if message.brings_the_lead}
    rows = [_row(file, each, last.get(each.assignment_id)) for each in file.known.assignments]
    return [Table("Assignments and invoices", HEADS, rows, empty="No installer has had it.")]


def _row(file: LeadFile, known: KnownAssignment, message: LeadMessage | None) -> Sequence[Told]:
    url = file.console.addresses.url
    return (
        Shown(name_of(known), path=url("routing", f"/console/assignments/{known.assignment_id}")),
        Shown(known.status or "pending", Kind.CHIP, tones=ASSIGNMENT_TONES),
        Shown(message.standing, Kind.CHIP, tones=MAIL_TONES) if message else DASH,
        Shown(known.cap_status or "reserved", Kind.CHIP, tones=CAP_TONES),
        Shown(known.finance, Kind.CHIP, tones=FINANCE_TONES),
        _price(file, known),
        _invoice(file, known),
    )


def name_of(known: KnownAssignment) -> str:
    return known.installer_name or "An installer"


def _price(file: LeadFile, known: KnownAssignment) -> Told:
    if known.delivery_event_id is None:
        return Shown(known.unit_price_cents, Kind.MONEY)
    door = file.console.addresses.url("billing", f"/console/delivery-events/{known.delivery_event_id}")
    return Shown(known.unit_price_cents, Kind.MONEY, path=door)


def _invoice(file: LeadFile, known: KnownAssignment) -> Told:
    if known.invoice_id is None:
        return DASH
    door = file.console.addresses.url("billing", f"/console/invoices/{known.invoice_id}")
    number = Shown(known.invoice_number, path=door).html(file.console.wording)
    state = known.invoice_state or "issued"
    return number + " " + chip(words(state), INVOICE_TONES.get(state, ""))


async def mails_of(file: LeadFile) -> Sequence[Section]:
    heads = (("About", Kind.TEXT), ("To", Kind.TEXT), ("Outcome", Kind.CHIP), ("Why", Kind.TEXT), ("When", Kind.AGO))
    names = {each.assignment_id: name_of(each) for each in file.known.assignments}
    rows = [_mail_row(file, each, names[each.assignment_id]) for each in file.known.messages]
    return [Table("Mails to installers", heads, rows)] if rows else []


MAILS = {"lead_delivery": "The lead", "lead_correction": "Its correction", "return_answer": "Their return, denied"}


def _mail_row(file: LeadFile, message: LeadMessage, name: str) -> Sequence[Told]:
    door = file.console.addresses.url("notifications", f"/console/messages/{message.message_id}")
    return (
        Shown(MAILS.get(message.purpose, words(message.purpose)), path=door),
        name,
        Shown(message.standing, Kind.CHIP, tones=MAIL_TONES),
        _why_not(message) or DASH,
        Shown(message.bounced_at or message.at, Kind.AGO),
    )


async def decisions_of(file: LeadFile) -> Sequence[Section]:
    heads = (("Attempt", Kind.TEXT), ("Chosen", Kind.TEXT), ("When", Kind.AGO))
    rows = [
        (Shown(each.attempt_no), _chosen(each.chosen, each.candidates), Shown(each.decided_at, Kind.AGO))
        for each in file.known.decisions
    ]
    if not rows:
        return []
    door = file.console.addresses.url("routing", f"/console/dispatches/{file.lead.id}")
    return [Table("Attempts to place it", heads, rows, more=("Why these installers", door))]


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    """In the order in which things follow from each other: of one instant the later stands above."""
    deliveries = [each for each in file.known.messages if each.brings_the_lead]
    brought = {each.assignment_id for each in deliveries if each.outcome == "accepted"}
    moments = [_decision(each.decided_at, each.chosen, each.candidates) for each in file.known.decisions]
    for known in file.known.assignments:
        moments += _of_dispatch(known, is_told_by_mail=known.assignment_id in brought)
    names = {each.assignment_id: name_of(each) for each in file.known.assignments}
    for message in deliveries:
        moments += _of_mail(message, names[message.assignment_id])
    return moments[::-1]


def _decision(at: datetime, chosen: int, candidates: int) -> Moment:
    return Moment(at, "Dispatch", f"chose {_chosen(chosen, candidates).lower()}")


def _chosen(chosen: int, candidates: int) -> str:
    return f"{f'{chosen:,}' if chosen else 'None'} of {counted(candidates, 'installer', 'installers')}"


def _of_dispatch(known: KnownAssignment, *, is_told_by_mail: bool) -> Iterator[Moment]:
    name = name_of(known)
    if known.created_at:
        yield Moment(known.created_at, "Dispatch", f"gave it to {name}")
    if known.sent_at and not is_told_by_mail:
        yield Moment(known.sent_at, "Dispatch", f"delivered it to {name}")
    if known.ended_at:
        ends = {"failed": f"could not deliver it to {name}", "cancelled": f"took it back from {name}"}
        told = ends.get(known.status or "", f"ended what {name} had")
        yield Moment(known.ended_at, "Dispatch", told, reason=words(known.reason_code or ""))
    if known.cap_released_at:
        told = f"released the place it took under the caps of {name}"
        yield Moment(known.cap_released_at, "Dispatch", told, reason=words(known.cap_reason or ""))


def _of_mail(message: LeadMessage, name: str) -> Iterator[Moment]:
    if message.outcome == "accepted":
        yield Moment(message.at, "Mail", f"brought it to {name}")
    else:
        yield Moment(message.at, "Mail", f"could not bring it to {name}", reason=_why_not(message))
    if message.bounced_at is not None:
        yield Moment(message.bounced_at, "Mail", f"came back: {name} never got it", reason=_why_not(message))


def _why_not(message: LeadMessage) -> str:
    """The last of it: what was refused cannot come back."""
    if message.bounced_at is not None:
        return _why(message.bounce_reason, message.bounce_status)
    return _why(message.reason_code, f"SMTP {message.smtp_status}" if message.smtp_status else None)


def _why(reason_code: str | None, status: str | None) -> str:
    return ", ".join(part for part in (words(reason_code or ""), status) if part)
