"""The first step of a month's close: when it begins and ends, and whom the close is about."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Fact, Note, Table
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import Wording, counted
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.domain.periods import Period, month_name
from services.billing.http.month_close import ScopeBody, scope_by_operator
from services.billing.pages.doors import account_path
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import MOST_ROWS, Screen, more
from services.billing.pages.reasons import IF_GIVEN, Reason
from services.billing.queries import months, periods

MONEY = Capability.MANAGE_BILLING_OPS
CHOOSE, WIDEN = "choose_scope", "all_installers"
MOST_CHOICES = 500
NAMELESS = "Not known yet"


async def _show(close: Close) -> Screen:
    text = (
        "It has ended, and can be closed."
        if close.has_ended
        else "It can be closed once it has ended, and looked at now."
    )
    chosen = close.installer_ids
    facts = [*_boundaries(close.period, close.console.wording), Fact("About", _about(close))]
    return Screen(
        month_name(close.period.name),
        text,
        notes=[_chosen_note(close)] if chosen else (),
        facts=facts,
        actions=[await _choosing(close), *([_widening(close)] if chosen else ())],
        tables=[await _chosen_table(close)] if chosen else (),
    )


def _about(close: Close) -> str:
    if not close.installer_ids:
        return f"All installers: {counted(len(close.installers), 'has', 'have')} deliveries or an invoice in it"
    return counted(len(close.installer_ids), "chosen installer", "chosen installers")


def _chosen_note(close: Close) -> Note:
    scope = close.scope
    by = f"{scope.made_by_name} chose them. " if scope else ""
    return Note(
        f"The close is about {counted(len(close.installer_ids or ()), 'installer', 'installers')}",
        f"{by}Every step shows, drafts, exports and issues theirs alone; what others have in the month stays as it is.",
        "info",
    )


async def _chosen_table(close: Close) -> Table:
    ids = list(close.installer_ids or ())
    names = await periods.names_of(close.session, ids)
    rows = [(Shown(names.get(id_, NAMELESS), path=account_path(id_)),) for id_ in ids[:MOST_ROWS]]
    return Table("Whom it is about", (("Installer", Kind.TEXT),), rows, more=more(len(ids), "/console/accounts"))


async def _choosing(close: Close) -> Action:
    everybody = await months.installers(close.session, close.period) if close.installer_ids else close.installers
    options = sorted((each.name or NAMELESS, str(each.standing.installer_id)) for each in everybody)[:MOST_CHOICES]
    hint = f"The first {MOST_CHOICES} by their names" if len(everybody) > MOST_CHOICES else ""
    field = FormField(
        "installer_ids",
        "Installers",
        FieldKind.CHOICES,
        value=[str(id_) for id_ in close.installer_ids or ()],
        options=[(id_, name) for name, id_ in options],
        hint=hint,
    )
    return Action(
        CHOOSE,
        "Choose installers",
        f"{PATH}/{close.period.name}/scope",
        effect="Every step is then about them alone. Nothing is drafted or issued by it.",
        fields=(field, IF_GIVEN),
        done="Chosen: every step is about them alone",
        **refused(close.operator, MONEY, None if options else "nobody has deliveries or an invoice in the month"),
    )


def _widening(close: Close) -> Action:
    return Action(
        WIDEN,
        "Close it for all installers",
        f"{PATH}/{close.period.name}/all-installers",
        effect="Every step is about all of them again.",
        fields=(IF_GIVEN,),
        done="It is about all installers again",
        **refused(close.operator, MONEY),
    )


def _boundaries(period: Period, wording: Wording) -> list[Fact]:
    """As the business's calendar has them, and as they are kept."""
    last = period.end.astimezone(wording.zone)
    return [
        Fact("Begins", wording.exact(period.start)),
        Fact("Ends, not included", wording.exact(period.end)),
        Fact("Begins, UTC", _utc(period.start)),
        Fact("Ends, UTC", _utc(period.end)),
        Fact("Zone", str(last.tzinfo)),
    ]


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _state(close: Close) -> str:
    ended = "Has ended" if close.has_ended else f"Ends {close.console.wording.exact(close.period.end)}"
    return f"{ended}, {len(close.installer_ids):,} chosen" if close.installer_ids else ended


STEP = MonthStep("", "Month and installers", _state, _show)


class ScopeForm(Form):
    installer_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHOICES)]
    reason: Reason | None = None


class WidenForm(Form):
    """The address names the month."""

    reason: Reason | None = None


@form_at(PATH + "/{month:str}/scope", MONEY)
async def choose_by_form(
    month: Month,
    data: JSONBody[ScopeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    chosen = ScopeBody(installer_ids=data.installer_ids, reason=data.reason)
    async with database.transaction() as session:
        await scope_by_operator(session, month, chosen, operator, clock.now())
    return console.redirect(f"{STEP.path(month)}?done={CHOOSE}")


@form_at(PATH + "/{month:str}/all-installers", MONEY)
async def widen_by_form(
    month: Month,
    data: JSONBody[WidenForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await scope_by_operator(
            session, month, ScopeBody(installer_ids=None, reason=data.reason), operator, clock.now()
        )
    return console.redirect(f"{STEP.path(month)}?done={WIDEN}")


ROUTES = (choose_by_form, widen_by_form)
