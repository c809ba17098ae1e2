"""One message: what it said, which fact it belongs to, and what the server answered to each try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, Note, Prose, Section, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, in_order, moments_of
from chassis.console.wording import Wording, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.notifications.domain.messages import MessageAction, RetryObstacle, Standing, obstacle_to_retry
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import Verdict
from services.notifications.http.messages import RetryMessage, retry_mail, wording_of
from services.notifications.models import PENDING, Attempt, Message
from services.notifications.pages.messages import GONE, PATH, QUEUE, REASON, ROOM, WRITE, RetryForm
from services.notifications.pages.words import ROOMS, STANDING_TONES, reason_told, subject_told
from services.notifications.queries.accounts import account_names
from services.notifications.queries.messages import attempts_of, document_number, one_message
from services.notifications.queries.suppressions import suppression_of
from services.notifications.rendering import Renderer

VERBS = {"retry_message": "queued it again", "take_bounce": "put in the notification that it came back"}
VERDICT_TONES: Mapping[str, str] = {
    PENDING: "info",
    Verdict.ACCEPTED: "positive",
    Verdict.REFUSED: "danger",
    Verdict.OUTCOME_UNKNOWN: "danger",
    Verdict.DEFERRED: "warning",
    Verdict.THROTTLED: "warning",
    Verdict.UNREACHABLE: "warning",
    Verdict.SENDER_REFUSED: "danger",
    Verdict.NOT_AUTHENTICATED: "danger",
    Verdict.NOT_RENDERED: "danger",
}


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that the page says of a message."""

    message: Message
    attempts: Sequence[Attempt]
    accounts: Mapping[UUID, str]
    number: str | None
    suppression_id: UUID | None
    """By which the recipient gets no mail now."""
    audit: Sequence[Moment]

    @property
    def about(self) -> str:
        message = self.message
        return subject_told(message.purpose, message.subject_kind, message.subject_id, self.number)


@page_at(PATH + "/{message_id:uuid}", Capability.READ_OPS)
async def show_message(
    message_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    renderer: Given[Renderer],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        message = await one_message(session, message_id)
        dossier = Dossier(
            message=message,
            attempts=await attempts_of(session, message_id),
            accounts=await account_names(session),
            number=await document_number(session, message.document_id),
            suppression_id=await suppression_of(session, message.recipient_hash, clock.now()),
            audit=await moments_of(session, [Subject("message", message_id)], VERBS, console.wording),
        )
    return show_document(console, request, _document(dossier, console, renderer, operator), done)


def _document(dossier: Dossier, console: Console, renderer: Renderer, operator: Operator) -> Document:
    message = dossier.message
    return Document(
        title=f"{words(message.purpose)} to {message.recipient_email or 'an erased address'}",
        room=ROOM,
        up=("Messages", QUEUE),
        states=(chip(words(message.standing), STANDING_TONES.get(message.standing, "")),),
        sentence=_sentence(message, console.wording),
        notes=_notes(dossier),
        facts=_facts(dossier, console),
        actions=(_retry(dossier, operator),),
        sections=_sections(dossier, console, renderer),
        timeline=in_order(dossier.audit, _moments(dossier)),
    )


def _sentence(message: Message, wording: Wording) -> Markup:
    """What became of it, why, and what happens next by itself."""
    why = reason_told(message.reason_code)
    since = wording.ago(message.state_since)
    match message.standing:
        case Standing.QUEUED if message.waits_for_lead_id is not None:
            return Markup("Sealed: goes out as soon as the key to its person has come; queued {}.").format(since)
        case Standing.QUEUED:
            return Markup("Goes out as soon as an account may take it; queued {}.").format(since)
        case Standing.SENDING:
            return Markup("A server is being asked just now.")
        case Standing.DEFERRED | Standing.UNKNOWN:
            due = wording.exact(message.next_attempt_at)
            return Markup("Put off {}: {}. It is tried again at {}.").format(since, why, due)
        case Standing.ACCEPTED:
            return Markup("Accepted by the recipient's server {}.").format(since)
        case _:
            what = words(message.standing) if message.bounced_at is None else "Accepted, and came back"
            return Markup("{} {}: {}. Nothing follows by itself.").format(what, since, why)


def _notes(dossier: Dossier) -> list[Note]:
    message, notes = dossier.message, []
    if message.unknown_outcomes:
        text = (
            "A connection broke when the mail may have been handed over. Each further try is the same mail to the "
            "byte, so that whoever gets it twice can see that it is one."
        )
        notes.append(Note("It may have arrived more than once", text, "warning"))
    may_go = not message.state.is_settled or message.state.may_be_retried
    if dossier.suppression_id is not None and may_go:
        door = ("Look at the suppression", f"/console/suppressions/{dossier.suppression_id}")
        told = "This mail goes out only where the suppression is lifted, or overridden for it."
        notes.append(Note("The address is on the suppression list", told, "warning", (door,)))
    if message.erased_at is not None:
        notes.append(Note("Erased", "Address, name and content were erased, as it was settled long ago."))
    return notes


def _facts(dossier: Dossier, console: Console) -> list[Fact]:
    message, accounts = dossier.message, dossier.accounts
    account = message.sender_account_id
    facts = [
        Fact("To", message.recipient_email or GONE),
        Fact("Name", message.recipient_name or GONE),
        Fact("About", _about(dossier, console)),
        Fact("Queued", Shown(message.created_at, Kind.INSTANT)),
        Fact("Tries", Shown(message.attempts, Kind.NUMBER)),
    ]
    if account is not None:
        facts.append(Fact("Account", Shown(accounts.get(account), path=f"/console/email-health/{account}")))
    if message.state.is_waiting:
        facts.append(Fact("Next try", Shown(message.next_attempt_at, Kind.INSTANT)))
    if message.accepted_at is not None:
        facts.append(Fact("Accepted", Shown(message.accepted_at, Kind.INSTANT)))
    if message.bounced_at is not None:
        facts.append(Fact("Came back", Shown(message.bounced_at, Kind.INSTANT)))
        facts.append(Fact("Status it came back with", Shown(message.bounce_status)))
    if message.override_reason is not None:
        facts.append(Fact("Suppression overridden", message.override_reason))
    return facts


def _technical(message: Message) -> Facts:
    """For whoever talks to the operators of a mail server."""
    return Facts(
        "The mail itself",
        [
            Fact("Template", f"{words(message.template)}, version {message.template_version}"),
            Fact("Message-ID", Shown(message.header_id, Kind.ID)),
            Fact("SHA-256 of the mail", Shown(message.sha256, Kind.ID)),
            Fact("Correlation id", Shown(message.correlation_id, Kind.ID)),
        ],
    )


def _about(dossier: Dossier, console: Console) -> Shown | str:
    """The fact that it belongs to, at the service that has it."""
    message = dossier.message
    if message.subject_kind not in ROOMS:
        return dossier.about
    service, path = ROOMS[message.subject_kind]
    return Shown(dossier.about, path=console.addresses.url(service, f"{path}/{message.subject_id}"))


def _retry(dossier: Dossier, operator: Operator) -> Action:
    obstacle = obstacle_to_retry(dossier.message.settled(is_suppressed=dossier.suppression_id is not None))
    overrides = obstacle is RetryObstacle.SUPPRESSED
    override = FormField(
        "override_suppression",
        "Override the suppression",
        FieldKind.CHECK,
        hint="This mail alone goes out although its address is on the suppression list; the reason says why.",
    )
    return Action(
        MessageAction.RETRY,
        "Send again",
        f"{PATH}/{dossier.message.id}/retry",
        effect="The same mail under the same Message-ID, with its tries anew; at once, where an account may take it.",
        fields=(REASON, override) if overrides else (REASON,),
        done="Queued again",
        is_primary=True,
        **refused(operator, WRITE, None if obstacle is None or obstacle.yields_to_override else obstacle),
    )


def _sections(dossier: Dossier, console: Console, renderer: Renderer) -> list[Section]:
    sections: list[Section] = [_tries(dossier)]
    if (told := _told_of(dossier.message, console)) is not None:
        sections.append(told)
    subject, text = wording_of(dossier.message, renderer)
    if subject is not None and text is not None:
        sections.append(Prose(f"What it says: {subject}", [text]))
    return [*sections, _technical(dossier.message)]


def _tries(dossier: Dossier) -> Table:
    heads = (
        ("Try", Kind.TEXT),
        ("Outcome", Kind.CHIP),
        ("SMTP", Kind.TEXT),
        ("The server's answer", Kind.TEXT),
        ("Account", Kind.TEXT),
        ("Begun", Kind.INSTANT),
        ("Ended", Kind.INSTANT),
    )
    rows = [
        (
            str(each.attempt_no),
            Shown(each.outcome, Kind.CHIP, tones=VERDICT_TONES),
            Shown(" ".join(str(part) for part in (each.smtp_status, each.enhanced_status) if part)),
            Shown(each.response),
            dossier.accounts.get(each.sender_account_id, ""),
            Shown(each.started_at, Kind.INSTANT),
            Shown(each.finished_at, Kind.INSTANT),
        )
        for each in reversed(dossier.attempts)
    ]
    return Table("Tries", heads, rows, empty="No server has been asked yet.")


def _told_of(message: Message, console: Console) -> Table | None:
    """What an alert lists, each with the pages of the things that it names."""
    if message.purpose is not MailPurpose.OPS_ALERT or not message.context:
        return None
    rows = [
        (words(item["reason_code"]), _links(item["ids"], console), Shown(item.get("detail")))
        for item in message.context.get("items", ())
    ]
    return Table("What it tells of", (("Reason", Kind.TEXT), ("What", Kind.TEXT), ("Detail", Kind.TEXT)), rows)


def _links(ids: Mapping[str, str], console: Console) -> Markup:
    told = [
        Shown(f"{words(kind)} {id_[-8:]}", path=_path(kind, id_, console)).html(console.wording)
        for kind, id_ in ids.items()
    ]
    return Markup(", ").join(told)


def _path(kind: str, id_: str, console: Console) -> str:
    if kind not in ROOMS:
        return ""
    service, path = ROOMS[kind]
    return console.addresses.url(service, f"{path}/{id_}")


def _moments(dossier: Dossier) -> list[Moment]:
    """The latest first, as several may have one instant."""
    message = dossier.message
    ended = ((message.erased_at, "erased what it said"), (message.cancelled_at, "cancelled it"))
    moments = [Moment(at, "Waybill", what) for at, what in ended if at is not None]
    moments += [
        Moment(
            each.finished_at,
            "Waybill",
            f"tried it by {dossier.accounts.get(each.sender_account_id, 'an account')}",
            reason=words(each.outcome),
        )
        for each in reversed(dossier.attempts)
        if each.finished_at is not None
    ]
    return [*moments, Moment(message.created_at, "Waybill", "queued it")]


@form_at(PATH + "/{message_id:uuid}/retry", WRITE)
async def retry_by_form(
    message_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    renderer: Given[Renderer],
    operator: Given[Operator],
) -> Redirect:
    asked = RetryMessage(reason=data.reason, override_suppression=data.override_suppression)
    await retry_mail.fn(message_id, asked, database, clock, renderer, operator)
    return console.redirect(f"{PATH}/{message_id}?done={MessageAction.RETRY}")


ROUTES = (show_message, retry_by_form)
