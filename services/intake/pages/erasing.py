"""Erasing a person, step by step: their leads are looked for, chosen, and erased once the word is typed.

What is chosen stands in the address, so that nothing is lost on a reload and no script is needed.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody, QueryParameter
from litestar.response import Redirect
from pydantic import AfterValidator, Field, StringConstraints

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.tasks import Step, Task
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator, Text
from chassis.ids import new_id
from contracts.forms import Fault
from services.intake import queries
from services.intake.domain.erasure import CONFIRMED_BY, AskedVia, ErasureReason
from services.intake.http.erasures import LONGEST_NOTE, Erasing, erase
from services.intake.pages.erasures import PATH, ROOM, VIA, WRITE
from services.intake.queries.erasures import MOST_FOUND, FoundLead

NEW, CONFIRM = f"{PATH}/new", f"{PATH}/new/confirm"
MOST_LEADS = 50

Sought = Annotated[str, QueryParameter(max_length=200)]
Chosen = Annotated[list[UUID] | None, QueryParameter(name="lead", max_items=MOST_LEADS)]


def _the_word(typed: str) -> str:
    if typed.strip() != CONFIRMED_BY:
        raise Fault("word_expected", f"is {CONFIRMED_BY}, in capitals: there is no way back")
    return typed


class ErasingForm(Form):
    """As the JSON route takes it, with the word that is typed for it."""

    id: Annotated[UUID, Field(strict=False)]
    lead_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_LEADS)]
    asked_via: AskedVia
    reason_code: ErasureReason
    note: Annotated[Text, StringConstraints(max_length=LONGEST_NOTE)]
    word: Annotated[str, AfterValidator(_the_word), Field(max_length=20)]

    def body(self) -> Erasing:
        return Erasing(
            id=self.id,
            lead_ids=tuple(self.lead_ids),
            asked_via=self.asked_via,
            reason_code=self.reason_code,
            note=self.note,
        )


@page_at(NEW, WRITE)
async def search_and_choose(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    q: Sought = "",
    chosen: Chosen = None,
) -> Response[str]:
    ids = chosen or []
    async with database.reading() as session:
        picked = await queries.persons_of(session, ids) if ids else []
        sought = q or next((lead.email for lead in picked if lead.email), "")
        found = await queries.persons_found(session, sought) if sought.strip() else []
    others = [lead for lead in picked if lead.id not in {each.id for each in found}]
    context = {
        "task": Task("Erase a person", _steps(sought, found, ids, at="choose" if sought else "search")),
        "sought": sought,
        "found": [*others, *found],
        "chosen": set(ids),
        "is_cut": len(found) >= MOST_FOUND,
        "paths": {"search": NEW, "confirm": CONFIRM, "up": PATH},
    }
    return console.page(request, "erasing.html", context, room=ROOM)


@page_at(CONFIRM, WRITE)
async def confirm(
    request: Request[Any, Any, Any], console: Given[Console], database: Given[Database], chosen: Chosen = None
) -> Response[Any]:
    if not chosen:
        return console.redirect(NEW)
    async with database.reading() as session:
        leads = await queries.persons_of(session, await queries.families_of(session, chosen))
    to_erase = [lead for lead in leads if lead.erased_at is None]
    context = {
        "task": Task("Erase a person", _steps("", leads, chosen, at="confirm")),
        "leads": leads,
        "to_erase": to_erase,
        "effects": _effects(to_erase),
        "action": _action(),
        "back": f"{NEW}?{urlencode([('lead', str(id_)) for id_ in chosen])}",
    }
    return console.page(request, "erasing_confirm.html", context, room=ROOM)


def _steps(sought: str, found: Sequence[FoundLead], chosen: Sequence[UUID], at: str) -> list[Step]:
    again = urlencode([("q", sought), *(("lead", str(id_)) for id_ in chosen)])
    confirmed = f"{CONFIRM}?{urlencode([('lead', str(id_)) for id_ in chosen])}" if chosen else ""
    number = counted(len(found), "lead", "leads")
    return [
        Step("Search", f"For {sought}" if sought else "By name, e-mail, phone or street", NEW, at == "search"),
        Step("Choose", f"{number} found" if found else "None yet", f"{NEW}?{again}", at == "choose"),
        Step("Confirm", f"{counted(len(chosen), 'lead', 'leads')} chosen", confirmed, at == "confirm"),
    ]


def _effects(leads: Sequence[FoundLead]) -> list[str]:
    """What follows, as sentences."""
    names = sorted({name for lead in leads for name in lead.given_to})
    number = counted(len(leads), "lead", "leads")
    told = [
        f"{number} will say nothing of the person: name, e-mail, phone and street go, here and with routing and mail.",
        "No installer gets them any more; what is not yet sent is not sent, and what was planned is cancelled.",
        "The consent loses its words, page and address; that it was given, and when, stays.",
        "Suburb, service, steps, deliveries, invoices and payments stay as they are.",
    ]
    if names:
        told.append(f"{', '.join(names)} had them delivered: ask them to forget the person too. Nothing of ours can.")
    return told


def _action() -> Action:
    return Action(
        "erase",
        "Erase the person",
        PATH,
        fields=(
            FormField(
                "asked_via",
                "Who asked",
                FieldKind.RADIO,
                AskedVia.PERSON,
                is_required=True,
                options=[(str(via), VIA[via]) for via in AskedVia],
            ),
            FormField("reason_code", "Why", FieldKind.CHOICE, is_required=True, options=options_of(ErasureReason)),
            FormField(
                "note",
                "In your words",
                FieldKind.PROSE,
                hint="Stays for ever: how it was asked and checked, without the person's name, address or number",
                is_required=True,
                longest=LONGEST_NOTE,
            ),
            FormField(
                "word", f"Type {CONFIRMED_BY}", hint="There is no way back", is_required=True, longest=len(CONFIRMED_BY)
            ),
        ),
        hidden={"id": str(new_id())},
        destroys=True,
    )


@form_at(PATH, WRITE, step_up=True)
async def erase_by_form(
    data: JSONBody[ErasingForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    erased = await erase.fn(data.body(), database, clock, operator)
    return console.redirect(f"{PATH}/{erased.id}")


ROUTES = (search_and_choose, confirm, erase_by_form)
