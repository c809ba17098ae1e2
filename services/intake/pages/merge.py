"""Making two leads one, step by step: compare, credits, confirm. What was chosen stands in the address."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any
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
from chassis.console.documents import Note
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.tasks import Step, Task
from chassis.console.timeline import refuse_if_changed, seen_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.http import Given, Operator, Text
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.domain import LeadAction
from services.intake.domain.corrections import Correctable
from services.intake.domain.duplicates import PairState
from services.intake.domain.merging import CHOOSABLE, MergeReason
from services.intake.http.duplicates import dismiss_duplicate
from services.intake.models import Lead, LeadPair
from services.intake.pages.duplicates import HELD, PATH, REASONS, ROOM, WRITE, DismissForm, told_reasons
from services.intake.pages.lead_erased import name_of
from services.intake.pages.leads import PATH as LEADS
from services.intake.pages.merge_sides import (
    COMPARE,
    CONFIRM,
    CREDITS,
    Both,
    Choices,
    Side,
    credit_of,
    effects_of,
    fields_of,
    head_of,
)
from services.intake.queries.pairs import who_go_on

MONEY = Capability.MANAGE_BILLING_OPS
AT = PATH + "/{one_id:uuid}/{other_id:uuid}"
WordOf = Annotated[UUID | None, QueryParameter(description="the lead whose word counts")]


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
) -> Response[str] | Redirect:
    async with database.reading() as session:
        sides = {id_: await _side(session, id_) for id_ in (one_id, other_id)}
        goes_on = await who_go_on(session, one_id, other_id)
        if goes_on[one_id] != goes_on[other_id] and set(goes_on.values()) != set(sides):
            # What was merged into another is compared as that other.
            return console.redirect(f"{PATH}/{goes_on[one_id]}/{goes_on[other_id]}")
        pair = next(iter(await queries.pairs_between(session, one_id, other_id)), None)
        said_by = await _said_by(session, pair, sides)
        chosen = _survivor(sides, survivor)
        given = zip(CHOOSABLE, (name, email, phone, street, place), strict=True)
        words_of = {each: id_ for each, id_ in given if id_ in sides}
        choices = Choices(chosen, words_of, tuple(credit or ()), step)
        loser = next((id_ for id_ in sides if id_ != chosen), chosen)
        seen = {
            "seen_survivor": await seen_of(session, Subject("lead", chosen)),
            "seen_loser": await seen_of(session, Subject("lead", loser)),
        }
    both = Both(sides[chosen], sides[loser], pair, choices, f"{PATH}/{one_id}/{other_id}", seen, said_by)
    return console.page(request, "merge.html", _context(both, console, operator), room=ROOM)


async def _said_by(session: AsyncSession, pair: LeadPair | None, sides: Collection[UUID]) -> Sequence[Lead]:
    """What was merged into either of the two, and is what the other is like."""
    away = {pair.lead_id, pair.other_id} - set(sides) if pair else set()
    return [await queries.lead(session, id_) for id_ in sorted(away)]


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
            f"{name_of(both.loser.lead)} and {name_of(both.survivor.lead)}",
            _steps(both, step, has_credits=has_credits),
            total=f"Score {both.pair.score}" if both.pair else "",
            links=(("All pairs", f"{PATH}?{HELD}"),),
        ),
        "step": step,
        "both": both,
        "why": told_reasons(",".join(both.pair.reasons)) if both.pair else "Nothing was found in common by itself",
        "notes": _notes(both),
        "heads": [head_of(side, console) for side in (both.survivor, both.loser)],
        "fields": fields_of(both),
        "credits": [credit_of(each, both, console) for each in both.loser.creditable],
        "effects": effects_of(both),
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
        said = f"{words(both.pair.reason_code or '')}.{_credits_left(both)}"
        notes.append(Note(f"{both.pair.decided_by} {told}", said, tone="info"))
    if both.said_by:
        told = "Below is what the two say that go on. What is alike was said by what was merged into one of them:"
        items = [(name_of(lead), f"{LEADS}/{lead.id}") for lead in both.said_by]
        notes.append(Note("One was merged with what is alike", told, tone="info", items=items))
    if both.obstacle:
        notes.append(Note("They cannot be merged so", f"{both.obstacle}.", tone="warning"))
    return notes


def _credits_left(both: Both) -> str:
    """Of the one that was merged away: a merge asks for none unless somebody who may wants it to."""
    away = [side for side in (both.survivor, both.loser) if side.lead.is_merged]
    is_left = any(each.obstacle is None for side in away for each in side.creditable)
    return " Credits can still be asked for, on the page of the one that was closed." if is_left else ""


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
