"""Making two leads one, step by step: compare, credits, confirm. What was chosen stands in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Redirect
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Shown, chip
from chassis.console.documents import Note
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.tasks import Step, Task
from chassis.console.timeline import refuse_if_changed, seen_of
from chassis.console.wording import counted, money, words
from chassis.database import Database
from chassis.http import Given, Operator, Text
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.domain import LeadAction, obstacle_to_lead
from services.intake.domain.corrections import Correctable
from services.intake.domain.duplicates import PairState
from services.intake.domain.merging import CHOOSABLE, MergeReason, obstacle_to_pair
from services.intake.http.duplicates import dismiss_duplicate
from services.intake.models import Consent, Lead, LeadPair, LeadSource
from services.intake.pages.duplicates import HELD, PATH, REASONS, ROOM, WRITE, DismissForm, told_reasons
from services.intake.pages.leads import PATH as LEADS
from services.intake.pages.leads import TONES
from services.intake.queries.merges import Creditable

MONEY = Capability.MANAGE_BILLING_OPS
AT = PATH + "/{one_id:uuid}/{other_id:uuid}"
COMPARE, CREDITS, CONFIRM = "compare", "credits", "confirm"
WordOf = Annotated[UUID | None, QueryParameter(description="the lead whose word counts")]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, with what is shown of it."""

    lead: Lead
    source: LeadSource
    consent: Consent
    creditable: Sequence[Creditable]


@dataclass(frozen=True, slots=True)
class Choices:
    """What stands in the address: who goes on, whose word counts for each field, and what is to be credited."""

    survivor: UUID
    words_of: Mapping[Correctable, UUID]
    credit: tuple[UUID, ...] = ()
    step: str = COMPARE

    def path(self, step: str, at: str) -> str:
        told = [("survivor", self.survivor), *((each.value, id_) for each, id_ in self.words_of.items())]
        told += [("credit", each) for each in self.credit]
        return f"{at}?{urlencode([*told, ('step', step)])}"


@dataclass(frozen=True, slots=True)
class Both:
    """The two, the pair that they are where one was found, and what was chosen."""

    survivor: Side
    loser: Side
    pair: LeadPair | None
    choices: Choices
    at: str
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def obstacle(self) -> str | None:
        for side in (self.survivor, self.loser):
            lead = side.lead
            if found := obstacle_to_lead(LeadAction.MERGE, lead.status, is_merged=lead.is_merged):
                return f"{lead.name}: {found}"
        one, other = self.survivor.lead, self.loser.lead
        return obstacle_to_pair((one.id, one.status), (other.id, other.status))

    @property
    def take(self) -> list[Correctable]:
        """The fields for which the loser's word counts."""
        return [each for each in CHOOSABLE if self.choices.words_of.get(each) == self.loser.lead.id]

    @property
    def charged(self) -> list[Creditable]:
        return [each for each in self.loser.creditable if each.obstacle is None]

    @property
    def asked(self) -> list[Creditable]:
        return [each for each in self.charged if each.known.assignment_id in self.choices.credit]


@page_at(AT, Capability.READ_OPS)
async def show_pair(
    one_id: FromPath[UUID],
    other_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    step: Annotated[str, QueryParameter(max_length=20)] = COMPARE,
    survivor: Annotated[UUID | None, QueryParameter()] = None,
    name: WordOf = None,
    email: WordOf = None,
    phone: WordOf = None,
    street: WordOf = None,
    place: WordOf = None,
    credit: Annotated[list[UUID] | None, QueryParameter()] = None,
) -> Response[str]:
    async with database.reading() as session:
        sides = {id_: await _side(session, id_) for id_ in (one_id, other_id)}
        pair = await queries.pair_of(session, one_id, other_id)
        chosen = _survivor(sides, survivor)
        given = zip(CHOOSABLE, (name, email, phone, street, place), strict=True)
        words_of = {each: id_ for each, id_ in given if id_ in sides}
        choices = Choices(chosen, words_of, tuple(credit or ()), step)
        loser = next((id_ for id_ in sides if id_ != chosen), chosen)
        seen = {
            "seen_survivor": await seen_of(session, Subject("lead", chosen)),
            "seen_loser": await seen_of(session, Subject("lead", loser)),
        }
    both = Both(sides[chosen], sides[loser], pair, choices, f"{PATH}/{one_id}/{other_id}", seen)
    return console.page(request, "merge.html", _context(both, console, operator), room=ROOM)


async def _side(session: AsyncSession, lead_id: UUID) -> Side:
    lead = await queries.lead(session, lead_id)
    return Side(
        lead,
        await queries.source(session, lead.source_id),
        await queries.consent_of(session, lead_id),
        await queries.creditable_of(session, lead_id),
    )


def _survivor(sides: dict[UUID, Side], wanted: UUID | None) -> UUID:
    """Whoever was chosen; else the older one, unless only the other still goes on."""
    if wanted in sides:
        return wanted
    return min(sides, key=lambda id_: (sides[id_].lead.status.is_final, sides[id_].lead.received_at, id_))


def _context(both: Both, console: Console, operator: Operator) -> dict[str, Any]:
    has_credits = bool(both.loser.creditable)
    step = both.choices.step if both.choices.step in (CREDITS, CONFIRM) and not both.obstacle else COMPARE
    step = CONFIRM if step == CREDITS and not has_credits else step
    return {
        "task": Task(
            f"{both.loser.lead.name} and {both.survivor.lead.name}",
            _steps(both, step, has_credits=has_credits),
            total=f"Score {both.pair.score}" if both.pair else "",
            links=(("All pairs", f"{PATH}?{HELD}"),),
        ),
        "step": step,
        "both": both,
        "why": told_reasons(",".join(both.pair.reasons)) if both.pair else "Nothing was found in common by itself",
        "notes": _notes(both),
        "heads": [_head(side, console) for side in (both.survivor, both.loser)],
        "fields": _fields(both),
        "credits": [_credit(each, both, console) for each in both.loser.creditable],
        "effects": _effects(both),
        "reasons": _REASONS,
        "actions": _actions(both, operator),
        "with_credits": refused(operator, MONEY, None if both.asked else "nothing was chosen to be credited"),
        "without": refused(operator, WRITE, None),
        "dismiss": _dismiss(both, operator),
    }


_REASONS = (
    FormField("reason_code", "Why are they one", FieldKind.CHOICE, options=options_of(MergeReason), is_required=True),
    FormField("reason", "In your words", FieldKind.PROSE, is_required=True, hint="Stands in both timelines"),
)


def _steps(both: Both, step: str, *, has_credits: bool) -> list[Step]:
    charged = len(both.charged)
    told = f"{len(both.asked)} of {charged} chosen" if step != COMPARE else f"{charged} may be credited"
    steps = [Step("Compare", "Which goes on, and with what", both.choices.path(COMPARE, both.at), step == COMPARE)]
    if has_credits:
        steps.append(Step("Credits", told, both.choices.path(CREDITS, both.at), step == CREDITS))
    is_reached = step == CONFIRM
    return [*steps, Step("Confirm", "Nothing is done before", both.choices.path(CONFIRM, both.at), is_reached)]


def _notes(both: Both) -> list[Note]:
    notes = []
    if both.pair and both.pair.state is not PairState.OPEN:
        told = "merged them" if both.pair.state is PairState.MERGED else "said that they are not duplicates"
        notes.append(Note(f"{both.pair.decided_by} {told}", words(both.pair.reason_code or ""), tone="info"))
    if both.obstacle:
        notes.append(Note("They cannot be merged so", f"{both.obstacle}.", tone="warning"))
    return notes


def _head(side: Side, console: Console) -> dict[str, Any]:
    lead, wording = side.lead, console.wording
    return {
        "id": lead.id,
        "name": lead.name,
        "path": f"{LEADS}/{lead.id}",
        "state": chip(words(lead.status), TONES.get(lead.status, "")),
        "lines": (
            ("Received", wording.ago(lead.received_at)),
            ("Source", side.source.name),
            ("Service", words(lead.service)),
            ("Path", words(lead.selected_path)),
            ("Delivered", wording.ago(lead.delivered_at) if lead.delivered_at else "No"),
            ("Owner", lead.owner_name or "Nobody"),
            ("Agreed to", side.consent.text),
            ("On page", side.consent.url),
        ),
    }


@dataclass(frozen=True, slots=True)
class FieldChoice:
    name: str
    label: str
    survivor: str
    loser: str
    is_taken: bool

    @property
    def is_same(self) -> bool:
        return self.survivor == self.loser


def _fields(both: Both) -> list[FieldChoice]:
    return [
        FieldChoice(
            each.value,
            words(each.value),
            _told(both.survivor.lead, each),
            _told(both.loser.lead, each),
            each in both.take,
        )
        for each in CHOOSABLE
    ]


def _told(lead: Lead, each: Correctable) -> str:
    return " ".join(str(getattr(lead, part)) for part in each.parts)


def _credit(each: Creditable, both: Both, console: Console) -> dict[str, Any]:
    """Ticked until somebody unticks it."""
    known = each.known
    invoice = console.addresses.url("billing", f"/console/invoices/{known.invoice_id}") if known.invoice_id else ""
    is_first = both.choices.step == CREDITS and not both.choices.credit
    return {
        "id": known.assignment_id,
        "installer": known.installer_name or "An installer",
        "price": money(known.unit_price_cents) if known.unit_price_cents is not None else "",
        "invoice": Shown(known.invoice_number, path=invoice) if invoice else Shown("Not invoiced yet"),
        "why_not": each.obstacle,
        "is_chosen": each.obstacle is None and (is_first or known.assignment_id in both.choices.credit),
    }


def _effects(both: Both) -> list[str]:
    """What will have been done, as sentences."""
    survivor, loser = both.survivor.lead, both.loser.lead
    changed = [each.label.lower() for each in _fields(both) if each.is_taken and not each.is_same]
    told = [f"The lead of {survivor.name} from {both.survivor.source.name} goes on for both."]
    told.append(
        f"The lead of {loser.name} is closed as a duplicate and kept: nobody gets it any more, and what is not yet "
        "sent is taken back."
    )
    told += [f"It takes {_joined(changed)} from the other; whoever has it is told by mail."] if changed else []
    told += [] if changed else ["It keeps all that it says."]
    names = [each.known.installer_name or "an installer" for each in both.asked]
    left = len(both.charged) - len(names)
    if names:
        told.append(f"Finance is asked to credit {_joined(names)}; the answer stands on both pages.")
    if left:
        told.append(f"{counted(left, 'delivery', 'deliveries')} of the other stay charged.")
    told.append("It can be taken apart again, from the page of the one that was closed; credits stand.")
    return told


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _actions(both: Both, operator: Operator) -> dict[str, bool]:
    return {
        "may_merge": operator.can(WRITE) and both.obstacle is None,
        "may_credit": operator.can(MONEY) and both.obstacle is None and bool(both.asked),
    }


def _dismiss(both: Both, operator: Operator) -> Action | None:
    if both.pair is None or both.pair.state is not PairState.OPEN:
        return None
    return Action(
        "dismiss",
        "Not duplicates",
        f"{both.at}/dismiss",
        effect="Says that the two are not one. What nothing holds any more goes to dispatch at once.",
        fields=REASONS,
        **refused(operator, WRITE, None),
    )


class MergeForm(Form):
    """As the confirming step sends it."""

    survivor_id: Annotated[UUID, Field(strict=False)]
    take: Annotated[list[Annotated[Correctable, Field(strict=False)]], Field(max_length=len(CHOOSABLE))] = []
    credit: Annotated[list[Annotated[UUID, Field(strict=False)]], Field(max_length=20)] = []
    reason_code: MergeReason
    reason: Text
    seen_survivor: Annotated[UUID | None, Field(strict=False)] = None
    seen_loser: Annotated[UUID | None, Field(strict=False)] = None


@form_at(AT + "/merge", WRITE)
async def merge_by_form(
    one_id: FromPath[UUID],
    other_id: FromPath[UUID],
    data: JSONBody[MergeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    return await _merge((one_id, other_id), data, console, database, clock, operator, credits_too=False)


@form_at(AT + "/merge-with-credits", MONEY, step_up=True)
async def merge_with_credits_by_form(
    one_id: FromPath[UUID],
    other_id: FromPath[UUID],
    data: JSONBody[MergeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    return await _merge((one_id, other_id), data, console, database, clock, operator, credits_too=True)


async def _merge(
    two: tuple[UUID, UUID],
    data: MergeForm,
    console: Console,
    database: Database,
    clock: Clock,
    operator: Operator,
    *,
    credits_too: bool,
) -> Redirect:
    loser_id = two[1] if data.survivor_id == two[0] else two[0]
    command = MergeLeads(
        survivor_id=data.survivor_id,
        loser_id=loser_id,
        take=frozenset(data.take),
        reason=data.reason_code,
        note=data.reason,
        by=operator,
        now=clock.now(),
        credits=tuple(data.credit) if credits_too else (),
    )
    seen = {data.survivor_id: data.seen_survivor, loser_id: data.seen_loser}
    async with database.transaction() as session:
        for lead_id in sorted(seen):
            await refuse_if_changed(session, Subject("lead", lead_id), seen[lead_id])
        await merge_leads(session, command)
    return console.redirect(f"{LEADS}/{data.survivor_id}?done={LeadAction.MERGE}")


@form_at(AT + "/dismiss", WRITE)
async def dismiss_by_form(
    one_id: FromPath[UUID],
    other_id: FromPath[UUID],
    data: JSONBody[DismissForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await dismiss_duplicate.fn(one_id, other_id, data, database, clock, operator)
    return console.redirect(f"{PATH}?{HELD}")


ROUTES = (show_pair, merge_by_form, merge_with_credits_by_form, dismiss_by_form)
