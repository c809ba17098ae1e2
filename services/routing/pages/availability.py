"""When an installer takes leads, as its page tells it and lets it be set: hours, public holidays, absences, share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup

from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Fact, Facts, Section, Table
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import Wording, calendar_day, words
from chassis.ids import new_id
from services.routing.domain.absences import back_at, is_over, is_running
from services.routing.domain.hours import ALL_DAY, DAYS_AHEAD, Span, is_open, next_opening
from services.routing.domain.windows import Moment
from services.routing.domain.written_hours import lines_of
from services.routing.models import Installer, InstallerAbsence
from services.routing.pages.availability_forms import absence_fields, hours_fields, share_field
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.reasons import REASON, WHY
from services.routing.queries import absences
from services.routing.queries.public_holidays import holidays_about

LAST_ABSENCES = 20


async def set_hours(page: InstallerPage) -> Action:
    return Action(
        "hours",
        "Set working hours",
        f"{page.path}/hours",
        effect="Outside them it gets no lead: a lead that nobody else may have waits until somebody opens. What is on "
        "its way arrives whatever the hour.",
        fields=(*hours_fields(page.installer), WHY),
        hidden={"seen": page.seen},
        done="Its hours are set",
        **refused(page.operator, WRITE),
    )


async def add_absence(page: InstallerPage) -> Action:
    return Action(
        "away",
        "Add a pause or a holiday",
        f"{page.path}/absences",
        effect="It gets no lead in that time and stays active: afterwards it gets leads again by itself. None are made "
        "up for, so it comes back to no flood.",
        fields=(*absence_fields(), REASON),
        hidden={"seen": page.seen, "id": str(new_id())},
        done="Its absence is added",
        **refused(page.operator, WRITE),
    )


async def end_absence(page: InstallerPage) -> Action:
    wording = page.console.wording
    options = [(str(each.id), told_span(each, page.now, wording)) for each in page.absences]
    return Action(
        "end-absence",
        "End an absence",
        f"{page.path}/absences/end",
        effect="From now on it gets leads again. One that has not begun is called off.",
        fields=(FormField("absence_id", "Absence", FieldKind.CHOICE, is_required=True, options=options), REASON),
        hidden={"seen": page.seen},
        done="The absence is ended",
        **refused(page.operator, WRITE, None if options else "it is not away, nor is it to be"),
    )


async def set_share(page: InstallerPage) -> Action:
    return Action(
        "share",
        "Set share",
        f"{page.path}/share",
        effect="Leads are given to whoever is owed most of them. Among installers that may have the same leads, twice "
        "the weight is twice the leads.",
        fields=(share_field(page.installer.share_weight), WHY),
        hidden={"seen": page.seen},
        done="Its share is set",
        **refused(page.operator, WRITE),
    )


async def when_it_works(page: InstallerPage) -> Section:
    installer = page.installer
    holidays = f"Takes no leads on those of {installer.home_state}" if installer.keeps_public_holidays else "As any day"
    share = "By its capacity in a cycle" if installer.share_weight is None else f"Weight {installer.share_weight:,}"
    return Facts(
        "When it takes leads",
        [
            Fact(f"Working hours, {installer.time_zone}", told_hours(installer)),
            Fact("Now", _told_opening(page)),
            Fact("Public holidays", holidays),
            *_holidays_ahead(page),
            Fact("Share", share),
        ],
    )


async def absences_of_it(page: InstallerPage) -> Section:
    found = await absences.of_installer(page.session, page.installer.id, LAST_ABSENCES)
    return Table(
        "Pauses and holidays",
        (
            ("Kind", Kind.WORD),
            ("State", Kind.CHIP),
            ("From", Kind.INSTANT),
            ("Until", Kind.INSTANT),
            ("Reason", Kind.TEXT),
        ),
        [
            (
                Shown(each.kind, Kind.WORD),
                _state(each, page.now),
                Shown(each.starts_at, Kind.INSTANT),
                Shown(back_at(each), Kind.INSTANT),
                each.reason,
            )
            for each in found
        ],
        empty="It has never been away.",
    )


def told_hours(installer: Installer) -> str:
    return "; ".join(lines_of(installer.hours)).replace("-", "–") if installer.hours else _without(installer)  # noqa: RUF001  # as print has it


def _without(installer: Installer) -> str:
    return "Always" if installer.hours is None else "Never"


@dataclass(frozen=True, slots=True)
class Opening:
    """`at` is when it opens next; None where it is open, or does not open within the days ahead."""

    is_open: bool
    at: datetime | None


def opening_of(page: InstallerPage) -> Opening:
    """By its own clock and by the public holidays that it keeps, whatever else is in its way."""
    moment = Moment.at(page.now, page.installer.time_zone)
    hours = ALL_DAY if page.installer.hours is None else [Span(*each) for each in page.installer.hours]
    kept = _kept_holidays(page)
    if is_open(hours, moment.local, kept):
        return Opening(True, None)
    return Opening(False, next_opening(hours, moment.local, moment.offsets, kept))


def _kept_holidays(page: InstallerPage) -> Sequence[date]:
    installer = page.installer
    if not installer.keeps_public_holidays or installer.home_state is None:
        return ()
    return holidays_about(installer.home_state, Moment.at(page.now, installer.time_zone).local.date())


def _told_opening(page: InstallerPage) -> str:
    opening = opening_of(page)
    if opening.is_open:
        return "Open"
    return f"Closed until {page.console.wording.exact(opening.at)}" if opening.at else f"Closed for {DAYS_AHEAD} days"


def _holidays_ahead(page: InstallerPage) -> list[Fact]:
    today = Moment.at(page.now, page.installer.time_zone).local.date()
    ahead = [calendar_day(day) for day in _kept_holidays(page) if day >= today]
    return [Fact("Public holidays ahead", ", ".join(ahead))] if ahead else []


async def is_closed(page: InstallerPage) -> list[str]:
    """Why it gets no leads now."""
    if opening_of(page).is_open:
        return []
    return [f"It is closed by its working hours. {_told_opening(page)}."]


def away_chip(page: InstallerPage) -> list[Markup]:
    running = next((each for each in page.absences if is_running(each, page.now)), None)
    return [] if running is None else [chip(f"Away{_until(running, page.console.wording)}", "warning")]


def away_sentence(page: InstallerPage) -> str:
    """Of what runs, else of what is next."""
    if not page.absences:
        return ""
    first, wording = page.absences[0], page.console.wording
    if is_running(first, page.now):
        return f"It is away for a {words(first.kind).lower()}{_until(first, wording)}. "
    return f"It will be away from {wording.exact(first.starts_at)}{_until(first, wording)}. "


async def is_away(page: InstallerPage) -> list[str]:
    """Why it gets no leads now."""
    wording = page.console.wording
    return [
        f"It is away for a {each.kind.value}{_until(each, wording)}: {each.reason}"
        for each in page.absences
        if is_running(each, page.now)
    ]


def told_span(absence: InstallerAbsence, now: datetime, wording: Wording) -> str:
    begins = "now" if is_running(absence, now) else f"from {wording.exact(absence.starts_at)}"
    return f"{words(absence.kind)}, {begins}{_until(absence, wording)}"


def _until(absence: InstallerAbsence, wording: Wording) -> str:
    back = back_at(absence)
    return "" if back is None else f" until {wording.exact(back)}"


def _state(absence: InstallerAbsence, now: datetime) -> Markup:
    if is_running(absence, now):
        return chip("Away", "warning")
    if not is_over(absence, now):
        return chip("To come", "info")
    if absence.ended_at is None:
        return chip("Over")
    return chip("Called off" if absence.ended_at <= absence.starts_at else "Cut short")
