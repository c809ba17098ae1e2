"""From which score on leads are held, shown or rejected: tried on the last 30 days before it is saved."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.cells import Kind
from chassis.console.documents import Document, Done, Note, Section, Table
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import moments_of, refuse_if_changed, seen_of
from chassis.database import Database
from chassis.http import Given, Operator, Text
from contracts.identity import Capability
from services.intake import queries
from services.intake.commands.thresholds import SUBJECT, ChangeThresholds, change_thresholds, refuse_impossible
from services.intake.domain.duplicates import FARTHEST_DAYS, KEPT_FROM, MOST, Scope, Thresholds
from services.intake.http.duplicate_settings import TRIED_ON
from services.intake.pages.duplicates import HELD, PATH, ROOM, WRITE
from services.intake.queries import Effect

AT = f"{PATH}/settings"
VERBS = {"change_duplicate_settings": "changed the settings"}
SCOPES = {Scope.SAME_SERVICE: "Only leads for the same service", Scope.ANY: "Leads for any service"}
Score = Annotated[int, Field(strict=False, ge=0, le=MOST)]


class SettingsForm(Form):
    """An empty `reject_from` rejects nothing."""

    is_on: Annotated[bool, Field(strict=False)] = False
    hold_from: Score
    review_from: Score
    reject_from: Score | None = None
    look_back_days: Annotated[int, Field(strict=False, ge=1, le=FARTHEST_DAYS)]
    scope: Scope
    reason: Text | None = None
    seen: Annotated[UUID | None, Field(strict=False)] = None

    def thresholds(self) -> Thresholds:
        return Thresholds(*(getattr(self, name) for name in Thresholds.__slots__))


class SavedForm(SettingsForm):
    reason: Text


@page_at(AT, Capability.READ_OPS)
async def show_settings(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        kept = await queries.duplicate_settings(session)
        seen = await seen_of(session, SUBJECT)
        timeline = await moments_of(session, [SUBJECT], VERBS, console.wording)
    notes = [Note("Saved: it holds for what comes in from now on", tone="positive")] if done else []
    return _page(request, console, operator, kept.thresholds, seen, timeline=timeline, notes=notes)


@form_at(f"{AT}/try", Capability.READ_OPS)
async def try_settings(
    data: JSONBody[SettingsForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Response[str]:
    """The form as it was sent, and what it would have done: nothing is saved."""
    given, end = data.thresholds(), console.clock.now()
    refuse_impossible(given)
    async with database.reading() as session:
        kept = await queries.thresholds(session)
        now = await queries.effect_of(session, kept, end - TRIED_ON, end)
        then = await queries.effect_of(session, given, end - TRIED_ON, end)
    seen = str(data.seen or "")
    return _page(request, console, operator, given, seen, reason=data.reason or "", sections=[_effect(now, then)])


@form_at(AT, WRITE)
async def save_settings(
    data: JSONBody[SavedForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, SUBJECT, data.seen)
        await change_thresholds(session, ChangeThresholds(data.thresholds(), data.reason, operator, clock.now()))
    return console.redirect(f"{AT}?done=saved")


def _page(
    request: Request[Any, Any, Any],
    console: Console,
    operator: Operator,
    given: Thresholds,
    seen: str,
    *,
    reason: str = "",
    notes: Sequence[Note] = (),
    sections: Sequence[Section] = (),
    timeline: Any = None,
) -> Response[str]:
    document = Document(
        title="Duplicate settings",
        room=ROOM,
        up=("Duplicates", f"{PATH}?{HELD}"),
        sentence="Every lead that comes in is compared with those before it. The score is of 100: 60 for the same "
        "phone, 50 for the same e-mail, 25 for the same address, 25 for the same name; another name takes 15 off.",
        notes=notes,
        sections=sections,
        timeline=timeline,
    )
    edit = {
        "path": AT,
        "seen": seen,
        "fields": _fields(given),
        "reason": FormField("reason", "Why", FieldKind.PROSE, reason, is_required=False, hint="Needed to save"),
        "may_save": operator.can(WRITE),
    }
    context = {"document": document, "finished": "", "edit": edit}
    return console.page(request, "duplicate_settings.html", context, room=ROOM)


def _fields(given: Thresholds) -> list[FormField]:
    number = FieldKind.NUMBER
    reject = "" if given.reject_from is None else str(given.reject_from)
    return [
        FormField("is_on", "Look for duplicates", FieldKind.CHECK, "true" if given.is_on else ""),
        FormField(
            "hold_from",
            "Hold from a score of",
            number,
            str(given.hold_from),
            "Nobody gets it until somebody has looked",
            is_required=True,
        ),
        FormField(
            "review_from",
            "Show for review from",
            number,
            str(given.review_from),
            f"It is dispatched, and its pair waits. {KEPT_FROM} at least",
            is_required=True,
        ),
        FormField("reject_from", "Reject by itself from", number, reject, "Empty: nothing is rejected by itself"),
        FormField("look_back_days", "Days to look back", number, str(given.look_back_days), is_required=True),
        FormField(
            "scope",
            "Compare",
            FieldKind.RADIO,
            given.scope,
            is_required=True,
            options=[(str(scope), told) for scope, told in SCOPES.items()],
        ),
    ]


def _effect(now: Effect, then: Effect) -> Table:
    told = (
        ("Held", "held"),
        ("of those merged since", "held_and_merged"),
        ("of those found to be no duplicates", "held_and_dismissed"),
        ("Dispatched and shown for review", "reviewed"),
        ("Rejected by itself", "rejected"),
        ("Merged by hand, and neither held nor shown", "merged_unseen"),
    )
    rows = [(label, f"{getattr(now, name):,}", f"{getattr(then, name):,}") for label, name in told]
    return Table(
        "Effect on the leads of the last 30 days",
        (("Leads", Kind.TEXT), ("As it is now", Kind.NUMBER), ("As written above", Kind.NUMBER)),
        rows,
        note="Nothing is saved yet. What is held stays held, and what went on goes on.",
    )


ROUTES = (show_settings, try_settings, save_settings)
