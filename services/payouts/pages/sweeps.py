"""The weekly sweeps: what each sent and left, and whether the schedule holds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind
from chassis.console.documents import Note
from chassis.console.listing import AHEAD, Column, Days, Empty, Flag, Listing, Tab
from chassis.console.wording import counted
from chassis.tables import schedule_runs
from services.payouts.domain import AttemptKind, AttemptOutcome
from services.payouts.models import Attempt, Sweep
from services.payouts.pages.words import PAYOUTS, READ, SWEEPS
from services.payouts.settings import Settings
from services.payouts.sweeping import JOB, sweep_times

ROOM = "payout-sweeps"
GRACE = timedelta(minutes=15)
"""A sweep that has not ended so long after it was due is missed: nobody may be running it."""
LONGEST_RUN = timedelta(hours=12)
"""Beyond it what was refused was another hand's."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`missed` are due instants since the last run that ended; `last` is None before there was any."""

    last: datetime | None
    following: datetime
    missed: int
    missed_since: datetime | None = None


async def read_schedule(session: AsyncSession, settings: Settings, now: datetime) -> Schedule:
    next_after = sweep_times(settings)
    ended = select(func.max(schedule_runs.c.due_at)).where(
        schedule_runs.c.job == JOB, schedule_runs.c.finished_at.is_not(None)
    )
    last: datetime | None = await session.scalar(ended)
    if last is None:
        return Schedule(None, next_after(now), 0)
    due, missed = next_after(last), 0
    first = due
    while due + GRACE <= now:
        due, missed = next_after(due), missed + 1
    return Schedule(last, next_after(now), missed, first if missed else None)


def notes_of(settings: Settings) -> Callable[[AsyncSession, datetime, ZoneInfo], Awaitable[Sequence[Note]]]:
    zone = settings.zone

    def told(instant: datetime) -> str:
        local = instant.astimezone(zone)
        return f"{local:%A} {local.day} {local:%B %Y}, {local.hour % 12 or 12}:{local:%M} {local:%p}".replace(
            "AM", "am"
        ).replace("PM", "pm")

    async def notes(session: AsyncSession, now: datetime, _zone: ZoneInfo) -> list[Note]:
        schedule = await read_schedule(session, settings, now)
        if schedule.last is None:
            text = (
                f"The next is due {told(schedule.following)}. Until the schedule has run once, nothing goes by itself."
            )
            return [Note("No sweep has run yet", text, "warning")]
        if schedule.missed_since is not None:
            title = f"{counted(schedule.missed, 'sweep was', 'sweeps were')} missed"
            text = (
                f"The first was due {told(schedule.missed_since)}, and nobody is paid until one runs. Tell whoever "
                "keeps the system running; what was missed goes by itself as soon as it can."
            )
            return [Note(title, text, "danger")]
        text = (
            f"The last was due {told(schedule.last)}. What is ready is sent oldest first, as far as the balance does."
        )
        return [Note(f"The next sweep goes {told(schedule.following)}", text, "info")]

    return notes


_refused = (
    select(func.count())
    .select_from(Attempt)
    .where(
        Attempt.kind == AttemptKind.TRANSFER,
        Attempt.outcome == AttemptOutcome.REFUSED,
        Attempt.created_at >= Sweep.started_at,
        Attempt.created_at <= func.coalesce(Sweep.finished_at, Sweep.started_at + LONGEST_RUN),
    )
    .correlate(Sweep)
    .scalar_subquery()
)
_ended = case((Sweep.finished_at.is_(None), "runs"), (Sweep.left_count > 0, "partly"), else_="whole")
STANDS = {"runs": "Under way", "partly": "Some were left", "whole": "None were left"}
TONES = {"runs": "info", "partly": "warning", "whole": "positive"}


def _late(row: Row[Any], now: datetime) -> bool:
    return row.finished is None and now - row.due > GRACE


def listing(settings: Settings) -> Listing:
    return Listing(
        name=ROOM,
        title="Sweeps",
        noun=("sweep", "sweeps"),
        path=SWEEPS,
        capability=READ,
        rows=select().select_from(Sweep),
        key=Sweep.due_at,
        order="-due",
        columns=(
            Column("due", "Due", Sweep.due_at, Kind.INSTANT, sorts=True, is_late=_late),
            Column("stands", "Outcome", _ended, Kind.CHIP, say=lambda row: STANDS[row.stands], tone=TONES),
            Column("sent_count", "Sent", Sweep.sent_count, Kind.NUMBER, sorts=True),
            Column(
                "sent",
                "Sent, AUD",
                Sweep.sent_cents,
                Kind.MONEY,
                sorts=True,
                sums=True,
                path=lambda row: _sent_then(row, settings) if row.sent else "",
            ),
            Column("refused", "Refused by Stripe", _refused, Kind.NUMBER),
            Column("left_count", "Left", Sweep.left_count, Kind.NUMBER, sorts=True),
            Column("left", "Left, AUD", Sweep.left_cents, Kind.MONEY, sorts=True),
            Column("finished", "Ended", Sweep.finished_at, Kind.INSTANT),
            Column("started", "Began", Sweep.started_at, Kind.INSTANT, is_extra=True),
        ),
        filters=(
            Days("due", "Due", column=Sweep.due_at, stretches=AHEAD),
            Flag("left", "Some were left", condition=Sweep.left_count > 0),
        ),
        tabs=(Tab("All"), Tab("Some were left", "left=true")),
        notes=notes_of(settings),
        empty=Empty(
            "No sweep has run",
            "Each week one sends every payout that is ready, as far as the balance at Stripe does.",
            "calendar-clock",
        ),
    )


def _sent_then(row: Row[Any], settings: Settings) -> str:
    """The payouts that were sent on its day."""
    day = row.started.astimezone(settings.zone).date()
    return f"{PAYOUTS}?stands=sent&sent_from={day}&sent_to={day}"
