"""Lists of scorecards: what each installer and each region made of its leads in four weeks, beside the four before."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind
from chassis.console.documents import Note
from chassis.console.listing import Choice, Column, Empty, Listing, Option, Search, Tab, among, routes_of
from chassis.console.wording import DASH
from contracts.identity import Capability
from contracts.values import AustralianState, InstallerStatus
from services.routing.domain.ordering import LEAD_PPM
from services.routing.domain.windows import WindowKind
from services.routing.http.scorecards import evenness
from services.routing.models import Installer, InstallerAccount, TurnTaken
from services.routing.pages.score_doors import SPAN, of_row
from services.routing.pages.telling import EVENNESS, INSTALLERS, told_use
from services.routing.queries import installer_lists as lists
from services.routing.queries.scores import DAYS, REGIONS, SCORES, WITH_ACCOUNTS, sums_by_installer

ROOM = "scorecards"
PATH = "/console/scorecards"
BY_REGION = f"{PATH}/regions"
READ = Capability.READ_OPS

S, R = SCORES.c, REGIONS.c
MONTH = WindowKind.MONTH
NO_RATE, NO_TREND = -1, -2
"""Where nothing was to be counted: less than any that was, so that it comes last of those that had something."""


def _rate(part: Any, whole: Any) -> Any:
    return case((whole > 0, part * 1.0 / whole), else_=NO_RATE)


def percent(rate: Any) -> str:
    return DASH if rate is None or rate == NO_RATE else f"{float(rate) * 100:.1f} %"


def told_trend(trend: Any) -> str:
    if trend is None or trend == NO_TREND:
        return DASH
    return f"{float(trend) * 100:+.0f} %".replace("-", "−")  # noqa: RUF001  # a true minus


def told_span(seconds: int | None) -> str:
    """As "48 s" or "3 min 20 s"."""
    if seconds is None or seconds == NO_RATE:
        return DASH
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60:,} min {seconds % 60} s"


def _of(name: str) -> Any:
    return lambda row: percent(getattr(row, name))


def _says_share(row: Row[Any]) -> str:
    return f"{row.chosen:,} of {row.entitled_ppm / LEAD_PPM:,.1f}"


def _says_owed(row: Row[Any]) -> str:
    return f"{row.owed / LEAD_PPM:+,.1f}".replace("-", "−") if row.owed else DASH  # noqa: RUF001  # a true minus


def _measures(sums: Any, whose: Callable[[Row[Any]], str]) -> dict[str, Column]:
    """Of what was delivered, by whichever `sums` they are; `whose` is what a row is of, as addresses say it."""
    delivered, before = sums.sent + sums.returned, sums.before
    trend = case((before > 0, (delivered - before) * 1.0 / before), else_=NO_TREND)
    took = case((delivered > 0, sums.deliver_seconds_sum / delivered), else_=NO_RATE)
    columns = (
        Column(
            "delivered",
            "Delivered",
            delivered,
            Kind.NUMBER,
            sorts=True,
            path=lambda row: of_row(whose(row), row).delivered if row.delivered else "",
        ),
        Column("trend", "Against before", trend, sorts=True, nothing=NO_TREND, say=lambda row: told_trend(row.trend)),
        _rated("accepted", "Accepted", sums.sent + sums.returned, delivered + sums.failed),
        replace(
            _rated("came_back", "Returned", sums.returned, delivered),
            path=lambda row: of_row(whose(row), row).returned if row.came_back > 0 else "",
        ),
        Column("took", "Time to deliver", took, sorts=True, nothing=NO_RATE, say=lambda row: told_span(int(row.took))),
        _rated("quick", "Within 5 min", sums.within_5_min, delivered),
    )
    return {column.name: column for column in columns}


def _rated(name: str, title: str, part: Any, whole: Any) -> Column:
    return Column(name, title, _rate(part, whole), sorts=True, nothing=NO_RATE, say=_of(name))


def _share(sums: Any) -> Column:
    rate = _rate(sums.chosen, sums.entitled_ppm / LEAD_PPM)
    return Column("share", "Got of its share", rate, sorts=True, nothing=NO_RATE, say=_says_share)


def _cap(taken: Any, limit: Any) -> Column:
    """Of who has a cap; `taken` and `month_limit` are of the row."""
    return Column(
        "cap",
        "Cap of the cycle",
        _rate(taken, limit),
        sorts=True,
        nothing=NO_RATE,
        say=lambda row: told_use(row.taken, row.month_limit),
    )


def _owed(standing: Any) -> tuple[Column, Column]:
    outstanding, overdue = (func.coalesce(cents, 0) for cents in (standing.outstanding_cents, standing.overdue_cents))
    return (
        Column("outstanding", "Outstanding, AUD", outstanding, Kind.MONEY, sorts=True),
        Column("overdue", "Overdue, AUD", overdue, Kind.MONEY, sorts=True),
    )


async def notes_of_evenness(session: AsyncSession, now: datetime, zone: ZoneInfo) -> Sequence[Note]:
    """How fair all of it was, as one number; nothing where nobody was due a lead."""
    sums = list((await sums_by_installer(session, now, DAYS, zone)).values())
    if not any(each.entitled_ppm for each in sums):
        return ()
    return (Note(f"Evenness {evenness(sums):.3f}", EVENNESS),)


LISTING = Listing(
    name=ROOM,
    title="Scorecards",
    noun=("installer", "installers"),
    path=PATH,
    capability=READ,
    rows=WITH_ACCOUNTS.join(SCORES, S.installer_id == Installer.id),
    key=Installer.id,
    order="-delivered",
    columns=(
        Column("installer", "Installer", Installer.name, sorts=True),
        *_measures(S, lambda row: f"installer_id={row.installer_id}").values(),
        _share(S),
        Column("owed", "Owed", func.coalesce(TurnTaken.balance_ppm, 0), sorts=True, say=_says_owed),
        _cap(lists.TAKEN[MONTH], Installer.month_limit),
        *(replace(column, sums=True) for column in _owed(InstallerAccount)),
        Column("failed", "Failed", S.failed, Kind.NUMBER, sorts=True, is_extra=True),
        Column("considered", "Considered", S.considered, Kind.NUMBER, sorts=True, is_extra=True),
        Column("eligible", "Eligible", S.eligible, Kind.NUMBER, sorts=True, is_extra=True),
        Column("installer_id", "Installer id", Installer.id, Kind.ID, is_extra=True),
    ),
    also={
        "chosen": S.chosen,
        "entitled_ppm": S.entitled_ppm,
        "taken": lists.TAKEN[MONTH],
        "month_limit": Installer.month_limit,
        **SPAN,
    },
    filters=(
        Search("q", "Installer or id", texts=(Installer.name,), ids=(Installer.id,)),
        Choice("status", "Status", options=among(Installer.status, InstallerStatus)),
        Choice("in", "Region", options=[Option(s.value, s.value, lists.works_in(s)) for s in AustralianState]),
        Choice("money", "Money", options=(Option("overdue", "Overdue", InstallerAccount.overdue_cents > 0),)),
    ),
    tabs=(
        Tab("By deliveries"),
        Tab("By returns", "sort=-came_back"),
        Tab("Slowest", "sort=-took"),
        Tab("Owed most", "sort=-owed"),
        Tab("Overdue", "money=overdue&sort=-overdue"),
    ),
    links=(("By region", BY_REGION, READ),),
    document=lambda row: f"{INSTALLERS}/{row.installer_id}",
    notes=notes_of_evenness,
    note=f"Of {DAYS} days with today, beside the {DAYS} before. Its share is what was due to it by the policy.",
    empty=Empty(
        "No installer has had a lead to be asked for", "Each comes here with the first lead in its area.", "trophy"
    ),
)

_OF_REGIONS = _measures(R, lambda row: f"in={row.region}")

REGIONS_LISTING = Listing(
    name="scorecard-regions",
    title="Scorecards by region",
    noun=("region", "regions"),
    path=BY_REGION,
    room=ROOM,
    capability=READ,
    rows=select().select_from(REGIONS),
    key=R.state,
    order="-leads",
    columns=(
        Column("region", "Region", R.state, sorts=True),
        Column("leads", "Leads", R.leads, Kind.NUMBER, sorts=True),
        Column("served", "Somebody got", R.served, Kind.NUMBER, sorts=True),
        Column(
            "raised",
            "Raised to operators",
            R.raised,
            Kind.NUMBER,
            sorts=True,
            path=lambda row: of_row(f"in={row.region}", row).raised if row.raised else "",
        ),
        Column(
            "covering",
            "Installers",
            R.covering,
            Kind.NUMBER,
            sorts=True,
            path=lambda row: f"{INSTALLERS}?in={row.region}&status=active" if row.covering else "",
        ),
        Column(
            "median",
            "Half are there within",
            func.coalesce(R.median, NO_RATE),
            sorts=True,
            nothing=NO_RATE,
            say=lambda row: told_span(row.median),
        ),
        *(_OF_REGIONS[name] for name in ("delivered", "trend", "accepted", "came_back", "took")),
        _share(R),
        _cap(R.cap_taken, R.cap_limit),
        *_owed(R),
        replace(_OF_REGIONS["quick"], is_extra=True),
    ),
    also={
        "chosen": R.chosen,
        "entitled_ppm": R.entitled_ppm,
        "taken": R.cap_taken,
        "month_limit": R.cap_limit,
        **SPAN,
    },
    tabs=(
        Tab("By leads"),
        Tab("By exceptions", "sort=-raised"),
        Tab("By returns", "sort=-came_back"),
        Tab("Slowest", "sort=-median"),
        Tab("Fullest", "sort=-cap"),
        Tab("Owes most", "sort=-outstanding"),
    ),
    links=(("By installer", PATH, READ),),
    document=lambda row: f"{BY_REGION}/{row.region}",
    note=f"Of {DAYS} days with today, beside the {DAYS} before. A lead counts in the state of its address; "
    "the caps and what is owed are those of the installers that work there, each whole in every state of its own.",
    empty=Empty("There is no region", "Each state and territory stands here, with leads or without.", "map"),
)
LISTINGS = (LISTING, REGIONS_LISTING)


ROUTES = (*routes_of(LISTING), *routes_of(REGIONS_LISTING))
