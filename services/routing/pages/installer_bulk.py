"""What can be done with many installers at once beside their status; each is previewed by what it changes in a row."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.fields import Day, FieldKind, FormField, end_of, start_of
from chassis.console.wording import calendar_day, counted, words
from services.routing.commands.absences import AddAbsence, add_absence
from services.routing.commands.hours import SetShareWeight, set_share_weight
from services.routing.commands.installers import set_caps
from services.routing.commands.notes import AppendNote, append_note
from services.routing.domain.absences import obstacle_to_absence
from services.routing.domain.states import AbsenceKind
from services.routing.domain.windows import Limits, WallClock, WindowKind
from services.routing.http.availability import Weight
from services.routing.http.fields import Note
from services.routing.http.installer_views import CapsChange
from services.routing.http.people import NoteText
from services.routing.models import Installer, InstallerAbsence
from services.routing.pages.availability_forms import KINDS, share_field
from services.routing.pages.installer_deeds import STATUS_IN_BULK, WRITE, cap_fields
from services.routing.pages.people_forms import note_field
from services.routing.pages.reasons import REASON, WHY
from services.routing.queries import absences
from services.routing.queries.arrays import among

FormT = TypeVar("FormT", bound=Form)


class ManyCapsForm(CapsChange, Form):
    """As the JSON route takes them."""


class ManySharesForm(Form):
    weight: Weight | None = None
    reason: Note | None = None


class ManyNotesForm(Form):
    text: NoteText


class ManyAwayForm(Form):
    """Both days belong to it, each by the installer's own clock."""

    kind: AbsenceKind
    first: Day
    last: Day | None = None
    reason: Note

    @model_validator(mode="after")
    def _is_a_span(self) -> "ManyAwayForm":
        if self.kind is AbsenceKind.HOLIDAY and self.last is None:
            raise PydanticCustomError("end_missing", "a holiday has an end; what has none is a pause")
        if self.last is not None and self.last < self.first:
            raise PydanticCustomError("ends_before_it_starts", "an absence ends after it starts")
        return self


async def _rows(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Installer]:
    return (await session.scalars(select(Installer).where(among(Installer.id, ids)))).all()


async def _look(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    return {row.id: Verdict(row.name) for row in await _rows(session, ids)}


async def _look_caps(
    session: AsyncSession, ids: Sequence[UUID], form: ManyCapsForm, _now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    return {row.id: _caps_verdict(row, form.limits()) for row in await _rows(session, ids)}


def _caps_verdict(row: Installer, wanted: Limits) -> Verdict:
    changes = [
        f"{_limit(before)} → {_limit(after)} a {kind}"
        for kind in WindowKind
        if (before := row.limits.of(kind)) != (after := wanted.of(kind))
    ]
    return Verdict(row.name, effect="Cap " + ", ".join(changes)) if changes else Verdict(row.name, "it has these caps")


def _limit(limit: int | None) -> str:
    return "none" if limit is None else f"{limit:,}"


async def _set_caps(work: Work, form: ManyCapsForm) -> None:
    async with work.transaction() as session:
        await set_caps(session, work.id, form.limits(), work.actor, work.clock.now(), form.reason)


async def _look_shares(
    session: AsyncSession, ids: Sequence[UUID], form: ManySharesForm, _now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    return {row.id: _share_verdict(row, form.weight) for row in await _rows(session, ids)}


def _share_verdict(row: Installer, weight: int | None) -> Verdict:
    if row.share_weight == weight:
        return Verdict(row.name, "it has this share")
    return Verdict(row.name, effect=f"Weight {_weight(row.share_weight)} → {_weight(weight)}")


def _weight(weight: int | None) -> str:
    return "by its capacity" if weight is None else f"{weight:,}"


async def _set_share(work: Work, form: ManySharesForm) -> None:
    async with work.transaction() as session:
        command = SetShareWeight(work.id, form.weight, work.actor, form.reason)
        await set_share_weight(session, command, work.clock.now())


async def _write_note(work: Work, form: ManyNotesForm) -> None:
    async with work.transaction() as session:
        await append_note(session, AppendNote(_own_id(work), work.id, form.text, work.actor), work.clock.now())


async def _look_away(
    session: AsyncSession, ids: Sequence[UUID], form: ManyAwayForm, now: datetime, _zone: ZoneInfo
) -> dict[UUID, Verdict]:
    known: dict[UUID, list[InstallerAbsence]] = {}
    for each in await absences.not_over(session, ids, now):
        known.setdefault(each.installer_id, []).append(each)
    return {row.id: _away_verdict(row, form, known.get(row.id, []), now) for row in await _rows(session, ids)}


def _away_verdict(row: Installer, form: ManyAwayForm, known: Sequence[InstallerAbsence], now: datetime) -> Verdict:
    starts_at, ends_at = _span(form, row.time_zone)
    if obstacle := obstacle_to_absence(known, max(starts_at, now), ends_at, now):
        return Verdict(row.name, obstacle)
    until = f" to {calendar_day(form.last)}" if form.last else " on, until it is ended by hand"
    city = row.time_zone.rpartition("/")[2].replace("_", " ")
    return Verdict(row.name, effect=f"{words(form.kind)} from {calendar_day(form.first)}{until}, {city} time")


def _span(form: ManyAwayForm, time_zone: str) -> tuple[datetime, datetime | None]:
    zone = WallClock.of(time_zone).zone
    return start_of(form.first, zone), end_of(form.last, zone) if form.last else None


async def _send_away(work: Work, form: ManyAwayForm) -> None:
    async with work.transaction() as session:
        row = await session.get_one(Installer, work.id)
        starts_at, ends_at = _span(form, row.time_zone)
        command = AddAbsence(_own_id(work), work.id, form.kind, starts_at, ends_at, form.reason, work.actor)
        await add_absence(session, command, work.clock.now())


def _own_id(work: Work) -> UUID:
    """Of what the row makes: the same however often it is begun."""
    return uuid5(work.job_id, str(work.row_no))


def _doing(form_type: type[FormT], deed: Callable[[Work, FormT], Awaitable[None]]) -> Callable[[Work], Awaitable[None]]:
    async def do(work: Work) -> None:
        assert isinstance(work.form, form_type)  # noqa: S101  # the action's own form
        await deed(work, work.form)

    return do


AWAY_FIELDS = (
    FormField("kind", "Kind", FieldKind.RADIO, AbsenceKind.HOLIDAY, is_required=True, options=KINDS),
    FormField("first", "First day", FieldKind.DAY, hint="By each installer’s own clock", is_required=True),  # noqa: RUF001  # as print has it
    FormField("last", "Last day", FieldKind.DAY, hint="A pause may be left open, and is then ended by hand"),
)

BULK = (
    *STATUS_IN_BULK,
    BulkAction(
        name="away",
        label="Add a pause or a holiday",
        capability=WRITE,
        look=_look,
        look_with=_look_away,
        do=_doing(ManyAwayForm, _send_away),
        form=ManyAwayForm,
        fields=(*AWAY_FIELDS, REASON),
        effect=lambda number: (
            f"{counted(number, 'installer gets', 'installers get')} no lead in that time, and afterwards again by "
            "themselves; none are made up for."
        ),
    ),
    BulkAction(
        name="caps",
        label="Set caps",
        capability=WRITE,
        look=_look,
        look_with=_look_caps,
        do=_doing(ManyCapsForm, _set_caps),
        form=ManyCapsForm,
        fields=(*cap_fields(), WHY),
        effect=lambda number: (
            f"Replaces all three caps of {counted(number, 'installer', 'installers')}: a field left empty takes "
            "that cap away. What was taken in a window stays taken."
        ),
    ),
    BulkAction(
        name="share",
        label="Set share",
        capability=WRITE,
        look=_look,
        look_with=_look_shares,
        do=_doing(ManySharesForm, _set_share),
        form=ManySharesForm,
        fields=(share_field(), WHY),
        effect=lambda number: (
            f"{counted(number, 'installer gets', 'installers get')} this weight: among those that may have the same "
            "leads, twice the weight is twice the leads."
        ),
    ),
    BulkAction(
        name="note",
        label="Write a note",
        capability=WRITE,
        look=_look,
        do=_doing(ManyNotesForm, _write_note),
        form=ManyNotesForm,
        fields=(note_field(),),
        effect=lambda number: f"The same note is written for {counted(number, 'installer', 'installers')}, once each.",
    ),
)
