"""The document and the guided task of the living design pages; their deeds change nothing."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from markupsafe import escape
from pydantic import Field, HttpUrl, StringConstraints

from chassis.console import Console, Form
from chassis.console.actions import Action, holders_of
from chassis.console.cells import Kind, Shown, chip
from chassis.console.charts import Bar, Charts, draw
from chassis.console.design.listing import DESIGN, ROOM
from chassis.console.documents import Document, Done, Fact, Facts, Note, Prose, Section, Table, show_document
from chassis.console.fields import Day, Dollars, FieldKind, FormField, moment_of, options_of
from chassis.console.fields import Moment as LocalMoment
from chassis.console.routes import form_at, page_at
from chassis.console.timeline import Change, Moment
from chassis.http.bodies import Line
from chassis.http.given import Given
from contracts.identity import Capability

PATH = f"{DESIGN}/document"
REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, longest=500, hint="Stands in the timeline")


class Cause(StrEnum):
    WRONG_PRICE = "wrong_price"
    WRONG_CLIENT = "wrong_client"
    TWICE = "twice"


class Answer(StrEnum):
    ACCEPTED = "accepted"
    NOT_REACHED = "not_reached"


class CorrectForm(Form):
    """A field of every kind."""

    reference: Line
    words: Annotated[str, Field(max_length=500)] = ""
    email: Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
    page: Annotated[HttpUrl, Field(max_length=300)] | None = None
    amount: Dollars
    leads: Annotated[int, Field(ge=1, le=999)]
    due: Day
    called_at: LocalMoment | None = None
    cause: Cause
    answer: Answer
    also: Annotated[list[Cause], Field(max_length=3)] = []
    is_told: bool = False


class ReasonForm(Form):
    reason: Annotated[str, Field(min_length=1, max_length=500)]


def _fields(now: datetime, zone: ZoneInfo) -> tuple[FormField, ...]:
    causes = options_of(Cause)
    return (
        FormField("reference", "Reference", value="INV-2026-007", is_required=True, hint="One line"),
        FormField("words", "Words to the client", FieldKind.PROSE, longest=500),
        FormField("email", "E-mail", FieldKind.EMAIL, "accounts@client.example", is_required=True),
        FormField("page", "Page", FieldKind.URL),
        FormField("amount", "Amount, AUD", FieldKind.MONEY, "1250.00", is_required=True, hint="As 1,250.00"),
        FormField("leads", "Leads", FieldKind.NUMBER, "12", is_required=True),
        FormField("due", "Due", FieldKind.DAY, now.date().isoformat(), is_required=True),
        FormField("called_at", "Called", FieldKind.MOMENT, moment_of(now, zone)),
        FormField("answer", "Their answer", FieldKind.RADIO, is_required=True, options=options_of(Answer)),
        FormField("cause", "Cause", FieldKind.CHOICE, Cause.TWICE, is_required=True, options=causes),
        FormField("also", "Other causes", FieldKind.CHOICES, (Cause.WRONG_PRICE,), options=causes),
        FormField("is_told", "Tell the client", FieldKind.CHECK, "true", hint="By e-mail, at once"),
    )


def _actions(now: datetime, zone: ZoneInfo) -> tuple[Action, ...]:
    who = f"{holders_of(Capability.MANAGE_ADMIN_ACCESS)} can do it"
    return (
        Action(
            "correct",
            "Correct",
            f"{PATH}/correct",
            effect="Issues a new invoice of $1,250.00 and credits this one. Here nothing is changed.",
            fields=_fields(now, zone),
            done="Corrected",
        ),
        Action(
            "pay_back",
            "Pay back",
            f"{PATH}/pay-back",
            effect="Moves $1,250.00 to the client, and so asks for a fresh second factor. Here nothing is moved.",
            fields=(REASON,),
            done="Paid back",
        ),
        Action(
            "void",
            "Void",
            f"{PATH}/void",
            effect="Nobody owes it any more. Here it stays.",
            fields=(REASON,),
            done="Voided",
            destroys=True,
        ),
        Action("issue", "Issue", "", why_not="It was issued on 3 March"),
        Action("write_off", "Write off", "", why_not="Your role lacks manage_admin_access", who_can=who),
    )


@page_at(PATH, None)
async def show_sample(request: Request[Any, Any, Any], console: Given[Console], done: Done = None) -> Response[str]:
    now = console.clock.now()
    document = Document(
        title="INV-2026-007",
        room=ROOM,
        up=("A list", f"{DESIGN}/list"),
        states=(chip("Overdue by 12 days", "danger"), chip("Disputed", "warning")),
        sentence="Bright Roof Solar owes it since 3 March; the next reminder goes out tomorrow by itself.",
        amount="$1,250.00",
        amount_note="AUD inc. GST",
        notes=(
            Note(
                "Two leads are disputed",
                "They stay on it until somebody decides.",
                "warning",
                (("Lead in Carlton", f"{DESIGN}/list"),),
            ),
        ),
        facts=_facts(now),
        actions=_actions(now, console.wording.zone),
        sections=_sections(),
        timeline=_timeline(console),
        links=(("Its PDF", f"{DESIGN}/list"),),
    )
    return show_document(console, request, document, done)


def _facts(now: datetime) -> tuple[Fact, ...]:
    return (
        Fact("Client", Shown("Bright Roof Solar", path=f"{DESIGN}/list")),
        Fact("Issued", Shown(now - timedelta(days=26), Kind.INSTANT)),
        Fact("Last reminder", Shown(now - timedelta(hours=30), Kind.AGO)),
        Fact("Due", Shown(now.date(), Kind.DAY)),
        Fact("Credited", Shown(0.125, Kind.SHARE)),
        Fact("Paid", Shown(0, Kind.MONEY)),
        Fact("Cause", Shown(Cause.WRONG_PRICE, Kind.WORD)),
        Fact("Id", Shown("0199a000-0000-7000-8000-0000000000a1", Kind.ID)),
    )


def _sections() -> tuple[Section, ...]:
    heads = (("Suburb", Kind.TEXT), ("Leads", Kind.NUMBER), ("Amount", Kind.MONEY))
    lines = [("Carlton VIC 3053", 7, 70_000), ("A place with a name that is longer than most NSW 2000", 5, 55_000)]
    return (
        Table(
            "Lines",
            heads,
            [(Shown(place), Shown(leads, Kind.NUMBER), Shown(cents, Kind.MONEY)) for place, leads, cents in lines],
            foot=("Together", Shown(12, Kind.NUMBER), Shown(125_000, Kind.MONEY)),
            more=("All of its leads", f"{DESIGN}/list"),
        ),
        Table("Credits", heads, (), empty="No credit was given."),
        Charts(
            "By suburb",
            (
                draw(
                    "Leads",
                    "Of this invoice; in grey of the one before",
                    [_bar(place, leads) for place, leads, _ in lines],
                ),
            ),
        ),
        Facts("Who pays", (Fact("ABN", "53 004 085 616"), Fact("Terms", "Net 30"))),
        Prose("What the client wrote", ("The two in Carlton are one house.\nWe have called twice.",)),
    )


def _bar(place: str, leads: int) -> Bar:
    return Bar(place, leads, f"{leads}", f"{DESIGN}/list", 6)


def _timeline(console: Console) -> list[Moment]:
    now = console.clock.now()
    raised = Change("Total", escape("$1,100.00"), escape("$1,250.00"))
    made = Change("State", escape(""), escape("draft"), was_there=False)
    return [
        Moment(now - timedelta(days=2), "Robin Field", "corrected it", (raised,), "Wrong price: by phone", "a1b2c3d4"),
        Moment(now - timedelta(days=26), "Waybill", "issued it"),
        Moment(now - timedelta(days=27), "Waybill", "drafted it", (made,)),
    ]


@form_at(f"{PATH}/correct", None)
async def correct_sample(data: JSONBody[CorrectForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{PATH}?done=correct")


@form_at(f"{PATH}/pay-back", None, step_up=True)
async def pay_back_sample(data: JSONBody[ReasonForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{PATH}?done=pay_back")


@form_at(f"{PATH}/void", None)
async def void_sample(data: JSONBody[ReasonForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{PATH}?done=void")


@page_at(f"{DESIGN}/task", None)
async def show_task(request: Request[Any, Any, Any], console: Given[Console], done: Done = None) -> Response[str]:
    path = f"{DESIGN}/task"
    task = {
        "title": "Close March",
        "total": "41 drafts, $38,214.50 inc. GST",
        "links": (("All drafts", f"{DESIGN}/list"),),
        "steps": (
            {"title": "Adjustments", "state": "Done on 3 April", "path": path, "is_current": False},
            {"title": "Drafts", "state": "3 of 41 are blocked", "path": path, "is_current": True},
            {"title": "Issue", "state": "Once no draft is blocked", "path": "", "is_current": False},
        ),
    }
    hold = Action(
        "hold",
        "Leave the blocked out",
        f"{path}/hold",
        effect="Issues 38 and keeps 3 for April.",
        fields=(REASON,),
        is_primary=True,
    )
    finished = "3 are kept for April" if done == "hold" else ""
    return console.page(request, "design_task.html", {"task": task, "action": hold, "finished": finished}, room=ROOM)


@form_at(f"{DESIGN}/task/hold", None)
async def hold_sample(data: JSONBody[ReasonForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{DESIGN}/task?done=hold")


ROUTES = (show_sample, correct_sample, pay_back_sample, void_sample, show_task, hold_sample)
