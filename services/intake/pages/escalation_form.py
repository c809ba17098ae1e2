"""Writing an escalation policy: for what, and up to five steps; tried over the last 30 days before it is saved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.documents import Document, Section
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import refuse_if_changed, seen_of
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, Operator
from chassis.http.bodies import field_errors
from chassis.ids import new_id
from contracts.values import AustralianState, SelectedPath
from services.intake import queries
from services.intake.commands.policies import SUBJECT, change_policy, check_steps, create_policy
from services.intake.domain.escalation import (
    MOST_STEPS,
    WAITING,
    Notify,
    Ownership,
    Policy,
    Step,
    StepAction,
    SubjectKind,
)
from services.intake.http.escalations import PolicyBody
from services.intake.http.follow_ups import FollowUpNote
from services.intake.pages.escalation_policy import REASON, UP, operator_names, source_names
from services.intake.pages.escalation_runs import sections_of
from services.intake.pages.escalation_words import OWNERSHIPS, SUBJECTS
from services.intake.pages.escalations import PATH, ROOM, WRITE
from services.intake.pages.owners import owner_options
from services.intake.queries.dry_runs import dry_run

NOTHING = "nothing"
UNITS = (("1", "minutes"), ("60", "hours"), ("1440", "days"))
MOST_CHOICES = 50
Cell = Annotated[str, Field(max_length=60)]
Cells = Annotated[list[Cell], Field(max_length=MOST_STEPS)]
Chosen = Annotated[list[Cell], Field(max_length=MOST_CHOICES)]


@dataclass(frozen=True, slots=True)
class Row:
    """A step as it stands in the form: what was typed, whatever it is."""

    after: str = ""
    unit: str = "60"
    deed: str = NOTHING
    hours: str = ""


class PolicyForm(Form):
    """Four fields a step, in step; a step without a deed is left out."""

    id: Annotated[UUID, Field(strict=False)]
    seen: Annotated[UUID | None, Field(strict=False)] = None
    name: Annotated[str, Field(max_length=120)] = ""
    subject: Cell = SubjectKind.LEAD
    ownership: Cell = Ownership.ANY
    statuses: Chosen = []
    paths: Chosen = []
    states: Chosen = []
    source_ids: Chosen = []
    services: Annotated[str, Field(max_length=1000)] = ""
    after: Cells = []
    unit: Cells = []
    deed: Cells = []
    hours: Cells = []
    reason: FollowUpNote | None = None

    def rows(self) -> list[Row]:
        return [Row(*cells) for cells in zip_longest(self.after, self.unit, self.deed, self.hours, fillvalue="")]

    def body(self) -> PolicyBody:
        """Raises Invalid with every fault."""
        faults: list[FieldError] = []
        steps = [
            step
            for place, row in enumerate(self.rows())
            if row.deed not in {"", NOTHING} and (step := _step(row, place, faults))
        ]
        told: dict[str, Any] = {
            "name": self.name,
            "subject": self.subject,
            "ownership": self.ownership,
            "statuses": self.statuses,
            "paths": self.paths,
            "states": self.states,
            "source_ids": self.source_ids,
            "services": [each.strip() for each in self.services.split(",") if each.strip()],
            "steps": steps,
        }
        try:
            body = PolicyBody.model_validate(told)
        except ValidationError as invalid:
            faults += field_errors(invalid)
        if faults:
            raise Invalid("some of it cannot be read", errors=tuple(faults))
        check_steps(body.draft().rules)
        return body


def _step(row: Row, place: int, faults: list[FieldError]) -> dict[str, Any] | None:
    minutes, hours = _whole(row.after, int(row.unit) if row.unit.isdigit() else 1), _whole(row.hours, 60)
    deed, _, whom = row.deed.partition(":")
    if not minutes:
        faults.append(FieldError("after", "invalid", f"Step {place + 1} needs a whole number of {_unit(row)}"))
    if deed == StepAction.SNOOZE and not hours:
        faults.append(FieldError("hours", "invalid", f"Step {place + 1} needs the hours for which it snoozes"))
    if not minutes or (deed == StepAction.SNOOZE and not hours):
        return None
    named = whom not in {"", *Notify}
    return {
        "after_minutes": minutes,
        "action": deed,
        "notify": (Notify.OPERATOR if named else whom) if whom else None,
        "notify_id": whom if named else None,
        "snooze_minutes": hours if deed == StepAction.SNOOZE else None,
    }


def _unit(row: Row) -> str:
    return dict(UNITS).get(row.unit, "minutes")


def _whole(written: str, scale: int) -> int | None:
    text = written.strip()
    return int(text) * scale if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _row_of(step: Step) -> Row:
    scale = next(unit for unit in (1440, 60, 1) if step.after_minutes % unit == 0)
    deed = str(step.action)
    if step.notify is not None:
        deed = f"{deed}:{step.notify_id or step.notify}"
    hours = str(-(-step.snooze_minutes // 60)) if step.snooze_minutes else ""
    return Row(str(step.after_minutes // scale), str(scale), deed, hours)


@dataclass(frozen=True, slots=True)
class Edit:
    """What policy_form.html takes as `edit`."""

    path: str
    id: UUID
    seen: str
    is_new: bool
    fields: Sequence[FormField]
    rows: Sequence[Row]
    units: Sequence[tuple[str, str]]
    deeds: Sequence[tuple[str, str]]
    reason: FormField


async def _edit(session: AsyncSession, form: PolicyForm, *, is_new: bool) -> Edit:
    people = [(f"{StepAction.NUDGE}:{id_}", f"Nudge {name}") for id_, name in await owner_options(session)]
    rows = form.rows()
    return Edit(
        path=PATH if is_new else f"{PATH}/{form.id}",
        id=form.id,
        seen=str(form.seen or ""),
        is_new=is_new,
        fields=_fields(form, [(str(id_), name) for id_, name in (await source_names(session)).items()]),
        rows=[*rows, *[Row()] * (MOST_STEPS - len(rows))],
        units=UNITS,
        deeds=[
            (NOTHING, "Nothing"),
            (f"{StepAction.NUDGE}:{Notify.OWNER}", "Nudge the owner"),
            (f"{StepAction.NUDGE}:{Notify.TEAM}", "Nudge the team"),
            *people,
            (str(StepAction.CRITICAL), "Mark critical"),
            (str(StepAction.SNOOZE), "Snooze"),
        ],
        reason=replace(REASON, value=form.reason or ""),
    )


def _fields(form: PolicyForm, sources: Sequence[tuple[str, str]]) -> list[FormField]:
    subjects = [(str(each), SUBJECTS[each]) for each in SubjectKind]
    owners = [(str(each), OWNERSHIPS[each]) for each in Ownership]
    waiting = options_of(WAITING)
    states = [(str(each), str(each)) for each in AustralianState]
    every = "None chosen: all of them"
    return [
        FormField("name", "Name", value=form.name, is_required=True, longest=120),
        FormField("subject", "About", FieldKind.RADIO, form.subject, "", True, subjects),
        FormField("ownership", "Where", FieldKind.RADIO, form.ownership, "", True, owners),
        FormField("statuses", "Lead's status", FieldKind.CHOICES, tuple(form.statuses), every, options=waiting),
        FormField("paths", "Path", FieldKind.CHOICES, tuple(form.paths), every, options=options_of(SelectedPath)),
        FormField("states", "Region", FieldKind.CHOICES, tuple(form.states), every, options=states),
        FormField("source_ids", "Source", FieldKind.CHOICES, tuple(form.source_ids), every, options=sources),
        FormField(
            "services", "Services", value=form.services, hint="As solar-battery, parted by commas. Empty: all of them"
        ),
    ]


def _page(
    request: Request[Any, Any, Any], console: Console, edit: Edit, title: str, sections: Sequence[Section] = ()
) -> Response[str]:
    up = UP if edit.is_new else (title, edit.path)
    document = Document(
        title="New policy" if edit.is_new else f"Edit {title}",
        room=ROOM,
        up=up,
        sentence="Counted from when the lead came to stand as it does, or from when the follow-up was due; after a "
        "snooze it counts anew.",
        sections=sections,
        timeline=None,
    )
    return console.page(request, "policy_form.html", {"document": document, "finished": "", "edit": edit}, room=ROOM)


def _first_form() -> PolicyForm:
    """With a step that most begin with."""
    row = Row("1", "60", f"{StepAction.NUDGE}:{Notify.OWNER}")
    return PolicyForm(id=new_id(), after=[row.after], unit=[row.unit], deed=[row.deed], hours=[row.hours])


@page_at(PATH + "/new", WRITE)
async def show_new_policy(
    request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        edit = await _edit(session, _first_form(), is_new=True)
    return _page(request, console, edit, "")


@page_at(PATH + "/{policy_id:uuid}/edit", WRITE)
async def show_edited_policy(
    policy_id: FromPath[UUID], request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    async with database.reading() as session:
        policy = await queries.policy(session, policy_id)
        seen = await seen_of(session, Subject(SUBJECT, policy_id))
        edit = await _edit(session, _form_of(policy_id, seen, policy.name, policy.rules), is_new=False)
    return _page(request, console, edit, policy.name)


def _form_of(policy_id: UUID, seen: str, name: str, rules: Policy) -> PolicyForm:
    rows = [_row_of(step) for step in rules.steps]
    return PolicyForm(
        id=policy_id,
        seen=UUID(seen) if seen else None,
        name=name,
        subject=rules.subject,
        ownership=rules.ownership,
        statuses=sorted(rules.statuses),
        paths=sorted(rules.paths),
        states=sorted(rules.states),
        source_ids=[str(each) for each in rules.source_ids],
        services=", ".join(sorted(rules.services)),
        after=[row.after for row in rows],
        unit=[row.unit for row in rows],
        deed=[row.deed for row in rows],
        hours=[row.hours for row in rows],
    )


@form_at(PATH + "/try", WRITE)
async def try_new_policy(
    data: JSONBody[PolicyForm], request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    return await _try(data, request, console, database, is_new=True)


@form_at(PATH + "/{policy_id:uuid}/try", WRITE)
async def try_edited_policy(
    policy_id: FromPath[UUID],
    data: JSONBody[PolicyForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
) -> Response[str]:
    return await _try(data, request, console, database, is_new=False)


async def _try(
    data: PolicyForm, request: Request[Any, Any, Any], console: Console, database: Database, *, is_new: bool
) -> Response[str]:
    """The form as it was sent, and what it would have done: nothing is saved."""
    rules, now, zone = data.body().draft().rules, console.clock.now(), console.wording.zone
    async with database.reading() as session:
        run = await dry_run(session, rules, now, zone)
        edit = await _edit(session, data, is_new=is_new)
        names = await operator_names(session)
    path = f"{PATH}/new" if is_new else f"{edit.path}/edit"
    return _page(request, console, edit, data.name, sections_of(rules, run, names, now.astimezone(zone).date(), path))


@form_at(PATH, WRITE)
async def create_by_form(
    data: JSONBody[PolicyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    draft = data.body().draft()
    async with database.transaction() as session:
        await create_policy(session, data.id, draft, operator, clock.now(), data.reason)
    return console.redirect(f"{PATH}/{data.id}")


@form_at(PATH + "/{policy_id:uuid}", WRITE)
async def change_by_form(
    policy_id: FromPath[UUID],
    data: JSONBody[PolicyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    draft = data.body().draft()
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject(SUBJECT, policy_id), data.seen)
        await change_policy(session, policy_id, draft, data.reason, operator, clock.now())
    return console.redirect(f"{PATH}/{policy_id}")


ROUTES = (
    show_new_policy,
    show_edited_policy,
    try_new_policy,
    try_edited_policy,
    create_by_form,
    change_by_form,
)
