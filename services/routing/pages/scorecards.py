"""Scorecards: what each installer and each region made of its leads in four weeks, beside the four before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from sqlalchemy import Row, case, func
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Fact, Facts, Table, show_document
from chassis.console.listing import Choice, Column, Empty, Listing, Option, Search, Tab, among, routes_of
from chassis.console.wording import DASH, counted
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from contracts.values import InstallerStatus
from services.routing.domain.ordering import LEAD_PPM
from services.routing.domain.scoring import Score
from services.routing.domain.windows import WindowKind
from services.routing.http.scorecards import score_of
from services.routing.models import Installer, InstallerAccount, TurnTaken
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.telling import ASSIGNMENTS, EXCEPTIONS, INSTALLERS, told_use
from services.routing.queries import installer_lists as lists
from services.routing.queries.scores import (
    DAYS,
    SCORES,
    RegionFacts,
    Sums,
    regions,
    sums_by_installer,
    sums_by_region,
)
from services.routing.settings import Settings

ROOM = "scorecards"
PATH = "/console/scorecards"
REGIONS = f"{PATH}/regions"

S = SCORES.c
DELIVERED = S.sent + S.returned
ENDED = DELIVERED + S.failed
MONTH = WindowKind.MONTH
OUTSTANDING = func.coalesce(InstallerAccount.outstanding_cents, 0)
OVERDUE = func.coalesce(InstallerAccount.overdue_cents, 0)
TREND = case((S.before > 0, (DELIVERED - S.before) * 1.0 / S.before), else_=0)


def _rate(part: Any, whole: Any) -> Any:
    """Never null, so that one can sort by it; what had nothing to count comes last of those that had."""
    return case((whole > 0, part * 1.0 / whole), else_=-1)


def percent(rate: Any) -> str:
    return DASH if rate is None or rate < 0 else f"{float(rate) * 100:.1f} %"


def told_trend(trend: float | None) -> str:
    return DASH if trend is None else f"{float(trend) * 100:+.0f} %".replace("-", "−")  # noqa: RUF001  # a true minus


def told_span(seconds: int | None) -> str:
    """As "48 s" or "3 min 20 s"."""
    if seconds is None or seconds < 0:
        return DASH
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60:,} min {seconds % 60} s"


def _of(name: str) -> Any:
    return lambda row: percent(getattr(row, name))


def _says_share(row: Row[Any]) -> str:
    return f"{row.chosen:,} of {row.entitled_ppm / LEAD_PPM:,.1f}"


def _says_owed(row: Row[Any]) -> str:
    return f"{row.owed / LEAD_PPM:+,.1f}".replace("-", "−") if row.owed else DASH  # noqa: RUF001  # a true minus


LISTING = Listing(
    name=ROOM,
    title="Scorecards",
    noun=("installer", "installers"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=lists.ROWS.join(SCORES, S.installer_id == Installer.id).outerjoin(
        InstallerAccount, InstallerAccount.installer_id == Installer.id
    ),
    key=Installer.id,
    order="-delivered",
    columns=(
        Column("installer", "Installer", Installer.name, sorts=True),
        Column("delivered", "Delivered", DELIVERED, Kind.NUMBER, sorts=True),
        Column("trend", "Against before", TREND, sorts=True, say=lambda row: told_trend(_trend(row))),
        Column("accepted", "Accepted", _rate(DELIVERED, ENDED), sorts=True, say=_of("accepted")),
        Column("came_back", "Returned", _rate(S.returned, DELIVERED), sorts=True, say=_of("came_back")),
        Column(
            "took",
            "Time to deliver",
            case((DELIVERED > 0, S.deliver_seconds_sum / DELIVERED), else_=-1),
            sorts=True,
            say=lambda row: told_span(int(row.took)),
        ),
        Column("quick", "Within 5 min", _rate(S.within_5_min, DELIVERED), sorts=True, say=_of("quick")),
        Column(
            "share",
            "Got of its share",
            _rate(S.chosen, S.entitled_ppm / LEAD_PPM),
            sorts=True,
            say=_says_share,
        ),
        Column("owed", "Owed", func.coalesce(TurnTaken.balance_ppm, 0), sorts=True, say=_says_owed),
        Column(
            "cap",
            "Cap of the cycle",
            case((Installer.month_limit > 0, lists.TAKEN[MONTH] * 1.0 / Installer.month_limit), else_=-1),
            sorts=True,
            say=lambda row: told_use(row.taken, row.month_limit),
        ),
        Column(
            "outstanding",
            "Outstanding, AUD",
            func.coalesce(InstallerAccount.outstanding_cents, 0),
            Kind.MONEY,
            sorts=True,
            sums=True,
        ),
        Column(
            "overdue",
            "Overdue, AUD",
            func.coalesce(InstallerAccount.overdue_cents, 0),
            Kind.MONEY,
            sorts=True,
            sums=True,
        ),
        Column("failed", "Failed", S.failed, Kind.NUMBER, sorts=True, is_extra=True),
        Column("considered", "Considered", S.considered, Kind.NUMBER, sorts=True, is_extra=True),
        Column("eligible", "Eligible", S.eligible, Kind.NUMBER, sorts=True, is_extra=True),
        Column("installer_id", "Installer id", Installer.id, Kind.ID, is_extra=True),
    ),
    also={
        "before": S.before,
        "chosen": S.chosen,
        "entitled_ppm": S.entitled_ppm,
        "taken": lists.TAKEN[MONTH],
        "month_limit": Installer.month_limit,
    },
    filters=(
        Search("q", "Installer or id", texts=(Installer.name,), ids=(Installer.id,)),
        Choice("status", "Status", options=among(Installer.status, InstallerStatus)),
        Choice("money", "Money", options=(Option("overdue", "Overdue", InstallerAccount.overdue_cents > 0),)),
    ),
    tabs=(
        Tab("By deliveries", "sort=-delivered"),
        Tab("By returns", "sort=-came_back"),
        Tab("Slowest", "sort=-took"),
        Tab("Owed most", "sort=-owed"),
        Tab("Overdue", "money=overdue&sort=-overdue"),
    ),
    links=(("By region", REGIONS, Capability.READ_OPS),),
    document=lambda row: f"{INSTALLERS}/{row.installer_id}",
    note=f"Of {DAYS} days with today, beside the {DAYS} before. Its share is what was due to it by the policy.",
    empty=Empty(
        "No installer has had a lead to be asked for", "Each comes here with the first lead in its area.", "trophy"
    ),
)


def _trend(row: Row[Any]) -> float | None:
    return float(row.trend) if row.before else None


@page_at(REGIONS, Capability.READ_OPS)
async def show_regions(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
) -> Response[str]:
    now = clock.now()
    async with database.reading() as session:
        facts = await regions(session, now - timedelta(days=DAYS), now)
        sums = await sums_by_region(session, now, DAYS, settings.zone)
    document = Document(
        title="Regions",
        room=ROOM,
        up=("Scorecards", PATH),
        sentence=f"{counted(sum(each.leads for each in facts), 'lead', 'leads')} came in {DAYS} days.",
        sections=(_regions_table(facts, sums),),
        timeline=None,
    )
    return show_document(console, request, document)


def _regions_table(facts: Sequence[RegionFacts], sums: Any) -> Table:
    heads = (
        ("Region", Kind.TEXT),
        ("Leads", Kind.NUMBER),
        ("Somebody got", Kind.NUMBER),
        ("Raised to operators", Kind.NUMBER),
        ("Installers", Kind.NUMBER),
        ("Half are there within", Kind.TEXT),
        ("Accepted", Kind.TEXT),
        ("Returned", Kind.TEXT),
        ("Against before", Kind.TEXT),
    )
    return Table("Regions", heads, [_region(each, score_of(sums.get(each.state, Sums()))) for each in facts])


def _region(facts: RegionFacts, score: Score) -> Sequence[Any]:
    return (
        str(facts.state),
        Shown(facts.leads, Kind.NUMBER),
        Shown(facts.delivered, Kind.NUMBER),
        Shown(facts.exceptions, Kind.NUMBER, path=f"{EXCEPTIONS}?in={facts.state}"),
        Shown(facts.covering, Kind.NUMBER, path=f"{INSTALLERS}?in={facts.state}&status=active"),
        told_span(facts.median_seconds),
        percent(score.accept_rate),
        percent(score.return_rate),
        told_trend(score.trend),
    )


async def scorecard(page: InstallerPage) -> Facts:
    """On the installer's own page."""
    sums = await _sums_of(page.session, page.installer.id, page.now, page.console.wording.zone)
    score = score_of(sums)
    given = Shown(f"{score.delivered:,}", path=f"{ASSIGNMENTS}?installer_id={page.installer.id}")
    return Facts(
        f"Scorecard of {DAYS} days",
        [
            Fact("Delivered", given),
            Fact(f"Against the {DAYS} days before", told_trend(score.trend)),
            Fact("Accepted", percent(score.accept_rate)),
            Fact("Returned", percent(score.return_rate)),
            Fact("Time to deliver", told_span(score.deliver_seconds)),
            Fact("Within 5 min", percent(score.quick_rate)),
            Fact("Got of its share", f"{score.chosen:,} of {score.entitled_leads:,.1f} leads"),
            Fact("Asked for", f"{counted(sums.considered, 'lead', 'leads')}, eligible for {sums.eligible:,}"),
        ],
    )


async def _sums_of(session: AsyncSession, installer_id: UUID, now: datetime, zone: ZoneInfo) -> Sums:
    return (await sums_by_installer(session, now, DAYS, zone)).get(installer_id, Sums())


ROUTES = (show_regions, *routes_of(LISTING))
