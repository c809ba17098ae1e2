"""One simulation: what was asked, how far it is, and what the draft comes to beside things as they are."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Document, Done, Fact, Part, Section, Table, show_document
from chassis.console.timeline import moments_of
from chassis.console.wording import counted, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.routing.domain.ordering import LEAD_PPM
from services.routing.domain.places import lines_of as lines_of_territory
from services.routing.domain.simulating import territory_from
from services.routing.domain.windows import WindowKind
from services.routing.domain.written_hours import lines_of as lines_of_hours
from services.routing.http.fields import Why
from services.routing.http.simulations import SimulationView, cancel_simulation
from services.routing.pages.reasons import WHY
from services.routing.pages.simulations import MOVED, PATH, ROOM, TONES
from services.routing.pages.telling import EVENNESS, INSTALLERS, told_limit
from services.routing.queries import simulations as queries

WRITE = Capability.WRITE_ROUTING
VERBS = {"ask_simulation": "asked for it", "cancel_simulation": "cancelled it"}
MOST_BARS = 12
MOST_PLACES = 20
"""Of a drafted territory, in its cell."""


class CancelForm(Why, Form):
    """As the JSON route takes it."""


@form_at(PATH + "/{simulation_id:uuid}/cancel", WRITE)
async def cancel_by_form(
    simulation_id: FromPath[UUID],
    data: JSONBody[CancelForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await cancel_simulation.fn(simulation_id, database, clock, operator, data)
    return console.redirect(f"{PATH}/{simulation_id}?done=cancel")


@page_at(PATH + "/{simulation_id:uuid}", Capability.READ_OPS)
async def show_simulation(
    simulation_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        view = SimulationView.of(await queries.get(session, simulation_id))
        timeline = await moments_of(session, [Subject("simulation", simulation_id)], VERBS, console.wording)
        drafted = await _drafted(session, view.draft.get("installers", {}))
    document = Document(
        title=f"Simulation of {view.draft['days']} days",
        room=ROOM,
        up=("Simulations", PATH),
        states=(chip(words(view.state), TONES[view.state]),),
        sentence=_sentence(view),
        facts=_facts(view),
        actions=(_cancel(view, operator),),
        sections=(*_sections(view), *drafted),
        timeline=timeline,
        links=(("Leads that would have moved", f"{MOVED}?simulation_id={view.id}"),) if view.totals else (),
    )
    return show_document(console, request, document, done)


def _sentence(view: SimulationView) -> str:
    if view.totals is None:
        return "Past leads are decided again as it is and with the draft; nothing of dispatch is changed by it."
    as_happened = view.totals["as_happened"]
    told = (
        f"With the draft {counted(view.totals['moved'], 'lead', 'leads')} of {view.totals['leads']:,} would have gone "
        f"elsewhere. Without it {as_happened['same']:,} of {as_happened['of']:,} go where they really went."
    )
    left_off = view.totals.get("left_off", 0)
    were = "lead of the days was" if left_off == 1 else "leads of the days were"
    return f"{told} The oldest {left_off:,} {were} left off." if left_off else told


def _facts(view: SimulationView) -> list[Fact]:
    draft = view.draft
    drafted = len(draft.get("installers", {}))
    return [
        Fact("Caps of all", Shown(f"{draft['everyone']['caps_percent']} %" if draft.get("everyone") else None)),
        Fact("Most owed leads", Shown((draft.get("ordering") or {}).get("most_owed_leads"), Kind.NUMBER)),
        Fact("Same person again", Shown((draft.get("ordering") or {}).get("same_person_days"), Kind.NUMBER)),
        Fact("Rules that do not matter", Shown(", ".join(words(rule) for rule in draft.get("ignore_rules", ())))),
        Fact("Installers drafted", Shown(drafted, Kind.NUMBER)),
        Fact("Asked", Shown(view.asked_at, Kind.INSTANT)),
        Fact("Asked by", view.asked_by_name),
        Fact("Ended", Shown(view.finished_at, Kind.INSTANT)),
        Fact("Simulation id", Shown(view.id, Kind.ID)),
    ]


def _cancel(view: SimulationView, operator: Operator) -> Action:
    why: Any = refused(operator, WRITE, None if view.state.is_open else f"it is {view.state}")
    return Action(
        "cancel",
        "Cancel",
        f"{PATH}/{view.id}/cancel",
        effect="It stops, and nothing that it found is kept.",
        fields=(WHY,),
        done="It is cancelled",
        **why,
    )


def _sections(view: SimulationView) -> Sequence[Section | Charts]:
    if view.totals is None:
        context = {
            "is_open": view.state.is_open,
            "path": f"{PATH}/{view.id}",
            "progress": view.progress,
            "leads": view.leads,
            "ended": view.fault or "It was cancelled, and nothing that it found was kept.",
        }
        return (Part("How far it is", "simulation.html", context),)
    before, after = view.totals["before"], view.totals["after"]
    return (_in_sum(before, after), _by_installer(before, after), _chart(before, after))


async def _drafted(session: AsyncSession, drafts: Mapping[str, Mapping[str, Any]]) -> Sequence[Table]:
    """Whose own is drafted, and how; a dash is as it is."""
    if not drafts:
        return ()
    names = await queries.names_of(session, list(map(UUID, drafts)))
    heads = ("Installer", "Status", "Caps", "Share", "Services", "Hours", "Territory")
    rows = [
        (Shown(names.get(id_, id_), path=f"{INSTALLERS}/{id_}"), *_told_draft(own))
        for id_, own in sorted(drafts.items(), key=lambda each: (names.get(each[0], ""), each[0]))
    ]
    return (Table("Drafted of some installers", [(head, Kind.TEXT) for head in heads], rows),)


def _told_draft(own: Mapping[str, Any]) -> Sequence[Shown]:
    caps, hours, territory = own.get("caps"), own.get("hours"), own.get("territory")
    places = lines_of_territory(territory_from(territory)) if territory else []
    more = f" and {len(places) - MOST_PLACES:,} more" if len(places) > MOST_PLACES else ""
    return (
        Shown(own.get("status"), Kind.WORD),
        Shown(None if caps is None else ", ".join(f"{told_limit(caps.get(kind))} a {kind}" for kind in WindowKind)),
        Shown((own["share_weight"] or "Its capacity") if "share_weight" in own else None),
        Shown(", ".join(map(words, own.get("services", ())))),
        Shown(None if "hours" not in own else "Always" if hours is None else "; ".join(lines_of_hours(hours))),
        Shown(", ".join(places[:MOST_PLACES]) + more),
    )


def _in_sum(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    named = (
        ("Leads given", "given", Kind.NUMBER),
        ("Leads that nobody got", "unplaced", Kind.NUMBER),
        ("Revenue at known prices", "revenue_cents", Kind.MONEY),
        ("Leads of no known price", "unpriced", Kind.NUMBER),
        ("Leads that a cap kept from anybody", "leads_at_cap", Kind.NUMBER),
        ("Times that a cap kept a lead from an installer", "cap_hits", Kind.NUMBER),
        ("Days on which a cap kept any from an installer", "full_days", Kind.NUMBER),
    )
    rows = [(title, Shown(before.get(name), kind), Shown(after.get(name), kind)) for title, name, kind in named]
    evenness = ("Evenness", f"{before['jain']:.3f}", f"{after['jain']:.3f}")
    heads = (("What", Kind.TEXT), ("As it is", Kind.TEXT), ("With the draft", Kind.TEXT))
    return Table("In sum", heads, [*rows, evenness], note=EVENNESS)


DRAFTED = "With the draft"
BY_INSTALLER = (
    ("Leads as it is", "leads", Kind.NUMBER),
    ("Share as it is", "share", Kind.SHARE),
    ("Entitled as it is", "entitled", Kind.TEXT),
    ("Revenue as it is", "revenue_cents", Kind.MONEY),
    ("Missed by a cap as it is", "cap_hits", Kind.NUMBER),
    ("Days at a cap as it is", "full_days", Kind.NUMBER),
)


def _by_installer(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    heads = [("Installer", Kind.TEXT)]
    for title, _, kind in BY_INSTALLER:
        heads += [(title, kind), (DRAFTED, kind)]
    rows = []
    for id_, name, one, other in _pairs(before, after):
        row: list[Any] = [Shown(name, path=f"{INSTALLERS}/{id_}")]
        for _, what, kind in BY_INSTALLER:
            row += [Shown(_figure(side, what), kind) for side in (one, other)]
        rows.append(tuple(row))
    return Table("By installer", heads, rows, empty="No installer covers any of the leads.")


def _figure(side: Mapping[str, Any], what: str) -> Any:
    """None where a simulation did not tell it yet."""
    match what:
        case "share":
            return None if (ppm := side.get("share_ppm")) is None else ppm / LEAD_PPM
        case "entitled":
            return f"{side['entitled_leads']:,.1f}"
        case _:
            return side.get(what)


def _chart(before: Mapping[str, Any], after: Mapping[str, Any]) -> Charts:
    bars = [
        Bar(name, other["leads"], f"{other['leads']:,}", f"{INSTALLERS}/{id_}", one["leads"], f"{one['leads']:,}")
        for id_, name, one, other in _pairs(before, after)[:MOST_BARS]
    ]
    return Charts("Leads", [draw("Leads by installer", "With the draft; in grey as it is", bars)])


NONE: Mapping[str, Any] = {
    "leads": 0,
    "share_ppm": 0,
    "entitled_leads": 0.0,
    "revenue_cents": 0,
    "cap_hits": 0,
    "full_days": 0,
}


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """Who has the most with the draft comes first."""
    one, other = before["installers"], after["installers"]
    names = {id_: told["name"] for id_, told in {**one, **other}.items()}
    pairs = [(id_, names[id_], one.get(id_, NONE), other.get(id_, NONE)) for id_ in names]
    return sorted(pairs, key=lambda pair: (-pair[3]["leads"], pair[1]))


ROUTES = (cancel_by_form, show_simulation)
