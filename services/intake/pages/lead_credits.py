"""Credits of one lead: what was asked of finance because of a merge or a correction, and asking for it later."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Section, Table
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, refuse_if_changed, seen_of
from chassis.console.wording import DASH, money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.crediting_later import ask_credits_later
from services.intake.http.crediting import CreditsAsking
from services.intake.models import CreditAsked
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.lead_known import name_of
from services.intake.pages.leads import PATH
from services.intake.queries.known import KnownAssignment

MONEY = Capability.MANAGE_BILLING_OPS
VERBS = {"ask_credits": "asked finance for credits"}
ASK = "ask-credits"
RESULT_TONES = {"credited": "positive", "voided": "positive", "refused": "danger", "declined": "danger"}


ASKED = Action(ASK, "", "", done="Finance is asked for the credits")
"""Not offered any more once all were asked for."""


class AskForm(CreditsAsking, Form):
    """As the JSON route takes it; `seen` is how the lead's page knew it."""

    seen: Annotated[UUID | None, Field(strict=False)] = None


async def deeds_of(file: LeadFile) -> Sequence[Action]:
    """Where a merge or a correction stands, and somebody who was charged is left."""
    lead = file.lead
    deed = await queries.credit_deed(file.session, lead) if lead.erased_at is None else None
    creditable = await queries.creditable_of(file.session, lead.id) if deed else []
    charged = [each.known for each in creditable if each.obstacle is None]
    left = [each for each in charged if deed and deed.concerns(each)]
    if deed is None or not left:
        return []
    because = "it went into another lead" if deed.deed == "merge" else "what was wrong was corrected"
    return [
        Action(
            ASK,
            "Ask for credits",
            f"{PATH}/{lead.id}/{ASK}",
            effect=f"Finance is asked to credit who was charged for it, because {because}: "
            f"{words(deed.reason).lower()}. The answer stands on this page.",
            fields=(credits_field(file, left), REASON),
            hidden={"seen": await seen_of(file.session, Subject("lead", lead.id))},
            **refused(file.operator, MONEY),
        )
    ]


REASON = FormField("reason", "In your words", FieldKind.PROSE, is_required=True, hint="Stands in the timeline")


def credits_field(file: LeadFile, charged: Sequence[KnownAssignment]) -> FormField:
    """Ticked are those of the lead itself, and all once it went into another: they were sold for one more time."""
    ticked = [each for each in charged if file.lead.is_merged or each.lead_id == file.lead.id]
    options = [(str(each.assignment_id), f"{name_of(each)}, {money(each.unit_price_cents)}") for each in charged]
    chosen = tuple(str(each.assignment_id) for each in ticked)
    return FormField("credits", "Credit", FieldKind.CHOICES, chosen, options=options)


async def credits_of(file: LeadFile) -> Sequence[Section]:
    asked = await queries.credits_of(file.session, file.family)
    heads = (
        ("Installer", Kind.TEXT),
        ("For", Kind.TEXT),
        ("Answer", Kind.CHIP),
        ("Amount", Kind.MONEY),
        ("What stands", Kind.TEXT),
        ("Asked", Kind.AGO),
    )
    rows = [_credit(file, each) for each in reversed(asked)]
    return [Table("Credits asked for", heads, rows)] if rows else []


def _credit(file: LeadFile, asked: CreditAsked) -> Sequence[Any]:
    door = file.console.addresses.url("billing", f"/console/invoices/{asked.invoice_id}") if asked.invoice_id else ""
    answer = asked.result or "not_answered_yet"
    return (
        asked.installer_name or "An installer",
        f"{words(asked.reason_code)}, by the {asked.deed}",
        chip(words(answer), RESULT_TONES.get(answer, "info")),
        Shown(asked.amount_cents, Kind.MONEY),
        Shown(asked.detail or "The invoice", path=door) if door else asked.detail or DASH,
        Shown(asked.asked_at, Kind.AGO),
    )


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    own = [moment for moment in file.audit if moment.what in VERBS.values()]
    asked = await queries.credits_of(file.session, file.family)
    answered = [each for each in asked if each.answered_at is not None and each.result]
    return [*own, *(_answer(each) for each in reversed(answered))]


def _answer(asked: CreditAsked) -> Moment:
    who = asked.installer_name or "an installer"
    assert asked.answered_at is not None  # noqa: S101  # asked for above
    return Moment(
        asked.answered_at,
        "Billing",
        f"answered for the credit of {who}: {words(asked.result or '').lower()}",
        reason=asked.detail or "",
    )


@form_at(PATH + "/{lead_id:uuid}/ask-credits", MONEY, step_up=True)
async def ask_by_form(
    lead_id: FromPath[UUID],
    data: JSONBody[AskForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("lead", lead_id), data.seen)
        await ask_credits_later(session, data.command(lead_id, operator, clock))
    return console.redirect(f"{PATH}/{lead_id}?done={ASK}")


ROUTES = (ask_by_form,)
