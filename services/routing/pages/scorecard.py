"""One scorecard: an installer's as a part of its page, a region's as a page with the installers that it is made of."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response
from litestar.params import FromPath, QueryParameter
from markupsafe import Markup

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Fact, Facts, Table, Told, show_document
from chassis.console.wording import counted, money
from chassis.database import Database
from chassis.http import Given
from contracts.values import AustralianState
from services.routing.http.score_views import ScoreView, of_installer
from services.routing.http.scorecards import RegionScorecard, region_of
from services.routing.pages.installer_page import InstallerPage
from services.routing.pages.score_doors import Doors, doors_of
from services.routing.pages.scorecards import BY_REGION, PATH, READ, ROOM, percent, told_span, told_trend
from services.routing.pages.telling import INSTALLERS, told_use
from services.routing.queries import scores
from services.routing.queries.scores import DAYS

SHOWN_INSTALLERS = 50
MOST_PAGES = 1_000


def _figures(score: ScoreView, doors: Mapping[str, str]) -> list[Fact]:
    """`doors` are the paths of what stands behind a figure, by its field of the JSON."""
    told: tuple[tuple[str, str, Told], ...] = (
        ("Delivered", "delivered", f"{score.delivered:,}"),
        (f"Against the {DAYS} days before", "trend", told_trend(score.trend)),
        ("Accepted", "accept_rate", percent(score.accept_rate)),
        ("Returned", "return_rate", percent(score.return_rate)),
        ("Time to deliver", "deliver_seconds", told_span(score.deliver_seconds)),
        ("Within 5 min", "quick_rate", percent(score.quick_rate)),
        ("Got of its share", "share_rate", f"{score.chosen:,} of {score.entitled_leads:,.1f} leads"),
        ("Cap of the cycle", "cap_rate", told_use(score.cap_taken, score.cap_limit)),
        ("Outstanding, AUD", "outstanding_cents", money(score.outstanding_cents)),
        ("Overdue, AUD", "overdue_cents", money(score.overdue_cents)),
    )
    return [Fact(title, Shown(value, path=doors.get(name, ""))) for title, name, value in told]


async def scorecard(page: InstallerPage) -> Facts:
    """On the installer's own page."""
    installer_id, zone = page.installer.id, page.console.wording.zone
    found = await scores.installer(page.session, installer_id, page.now, DAYS, zone)
    account = page.console.addresses.url("billing", f"/console/accounts/{installer_id}")
    behind = doors_of(f"installer_id={installer_id}", page.now, zone)
    doors = {
        "delivered": behind.delivered,
        "return_rate": behind.returned,
        "outstanding_cents": account,
        "overdue_cents": account,
    }
    asked = f"{counted(found.sums.considered, 'lead', 'leads')}, eligible for {found.sums.eligible:,}"
    return Facts(f"Scorecard of {DAYS} days", [*_figures(of_installer(found), doors), Fact("Asked for", asked)])


@page_at(BY_REGION + "/{region:str}", READ)
async def show_region(
    region: FromPath[AustralianState],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    page_no: Annotated[int, QueryParameter(name="page", ge=1, le=MOST_PAGES, description="of its installers")] = 1,
) -> Response[str]:
    now, zone = clock.now(), console.wording.zone
    async with database.reading() as session:
        told = await region_of(session, region, now, DAYS, zone)
    return show_document(console, request, _document(region, told, doors_of(f"in={region}", now, zone), page_no))


def _document(state: AustralianState, told: RegionScorecard, behind: Doors, page_no: int) -> Document:
    score = told.score
    sentence = Markup("Of {} in {} days somebody got {}; {} were raised to operators.")
    return Document(
        title=f"Scorecard of {state}",
        room=ROOM,
        up=("Scorecards by region", BY_REGION),
        sentence=sentence.format(counted(score.leads or 0, "lead", "leads"), DAYS, score.served, score.exceptions),
        facts=_facts(state, score, behind),
        sections=[_installers(state, told.installers, behind, page_no)],
        timeline=None,
        links=(("Coverage", f"/console/coverage?in={state}&view=all"),),
    )


def _facts(state: AustralianState, score: ScoreView, behind: Doors) -> list[Fact]:
    works_there = f"{INSTALLERS}?in={state}"
    doors = {
        "delivered": behind.delivered,
        "return_rate": behind.returned,
        "cap_rate": f"{works_there}&status=active",
        "outstanding_cents": f"{PATH}?in={state}&sort=-outstanding",
        "overdue_cents": f"{PATH}?in={state}&money=overdue&sort=-overdue",
    }
    return [
        Fact("Leads", f"{score.leads:,}"),
        Fact("Somebody got", f"{score.served:,}"),
        Fact("Raised to operators", Shown(f"{score.exceptions:,}", path=behind.raised)),
        Fact("Installers", Shown(f"{score.covering:,}", path=f"{works_there}&status=active")),
        Fact("Half are there within", told_span(score.median_seconds)),
        *_figures(score, doors),
    ]


_HEADS = (
    ("Installer", Kind.TEXT),
    ("Delivered", Kind.NUMBER),
    ("Against before", Kind.TEXT),
    ("Accepted", Kind.TEXT),
    ("Returned", Kind.TEXT),
    ("Time to deliver", Kind.TEXT),
    ("Got of its share", Kind.TEXT),
    ("Cap of the cycle", Kind.TEXT),
    ("Outstanding, AUD", Kind.MONEY),
    ("Overdue, AUD", Kind.MONEY),
)


def _installers(state: AustralianState, those: list[ScoreView], behind: Doors, page_no: int) -> Table:
    first = (page_no - 1) * SHOWN_INSTALLERS
    further = those[first + SHOWN_INSTALLERS :]
    following = f"The next {min(len(further), SHOWN_INSTALLERS)} of {len(those):,}"
    onward = (following, f"{BY_REGION}/{state}?page={page_no + 1}")
    return Table(
        "Installers",
        _HEADS,
        [_row(each, behind) for each in those[first : first + SHOWN_INSTALLERS]],
        empty="No further installer." if those else "Nobody works there, and nobody was asked.",
        more=onward if further else ("Those that work there, by their leads of all regions", f"{PATH}?in={state}"),
        note="Leads of this region alone, the most delivered first; caps and what is owed are each installer’s whole.",  # noqa: RUF001  # as print has it
    )


def _row(score: ScoreView, behind: Doors) -> tuple[Told, ...]:
    own = replace(behind, whose=f"{behind.whose}&installer_id={score.installer_id}")
    name = Markup('<a href="{}/{}">{}</a>').format(INSTALLERS, score.installer_id, score.name)
    return (
        name if score.works_there else name + Markup(" ") + chip("Does not work there now", "warning"),
        Shown(score.delivered, Kind.NUMBER, path=own.delivered if score.delivered else ""),
        told_trend(score.trend),
        percent(score.accept_rate),
        percent(score.return_rate),
        told_span(score.deliver_seconds),
        f"{score.chosen:,} of {score.entitled_leads:,.1f}",
        told_use(score.cap_taken, score.cap_limit),
        Shown(score.outstanding_cents, Kind.MONEY),
        Shown(score.overdue_cents, Kind.MONEY),
    )


ROUTES = (show_region,)
