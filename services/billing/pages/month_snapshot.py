"""The step of a month's close after its issue: what everybody owes from then on, kept for good."""

from collections.abc import Sequence
from uuid import UUID

from litestar.params import JSONBody
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Fact, Table, Told
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.http.month_snapshots import snapshot_by_operator
from services.billing.models import ReceivablesSnapshot
from services.billing.pages.month_page import PATH, Close, Month, MonthStep
from services.billing.pages.month_screens import Screen
from services.billing.queries import month_steps

MONEY = Capability.MANAGE_BILLING_OPS
TAKE = "take"
RECEIVABLES = "/console/receivables"
SNAPSHOTS = "/console/receivables/snapshots"


async def _show(close: Close) -> Screen:
    figures = close.figures
    taken = await month_steps.snapshots(close.session, close.period.name)
    facts = [
        Fact("Issued, inc. GST", Shown(figures.issued_cents, Kind.MONEY, path=close.issued_path)),
        Fact("Owed of it", Shown(figures.unpaid_cents, Kind.MONEY, path=close.unpaid_path)),
    ]
    text = (
        "A snapshot keeps what every account owes, by age, as the ledger has it: what comes later changes nothing of "
        "it, and weeks and months are compared by it."
    )
    links = [("Open the receivables", RECEIVABLES), ("All snapshots", SNAPSHOTS)]
    tables = [_table(taken)]
    return Screen("Receivables", text, facts=facts, actions=[_taking(close)], tables=tables, links=links)


def _table(taken: Sequence[ReceivablesSnapshot]) -> Table:
    heads = (
        ("As of", Kind.INSTANT),
        ("By", Kind.TEXT),
        ("Accounts", Kind.NUMBER),
        ("Outstanding", Kind.MONEY),
        ("Overdue", Kind.MONEY),
        ("Against the ledger", Kind.CHIP),
    )
    empty = "None yet: take one once the month's invoices are out."
    return Table("After the issue of the month", heads, [_row(each) for each in taken], empty=empty)


def _row(each: ReceivablesSnapshot) -> Sequence[Told]:
    return (
        Shown(each.as_of, Kind.INSTANT, path=f"{SNAPSHOTS}/{each.id}"),
        each.taken_by,
        Shown(each.account_count, Kind.NUMBER),
        Shown(each.aged.total_cents, Kind.MONEY),
        Shown(each.aged.overdue_cents, Kind.MONEY),
        chip("Ties", "positive") if each.ties else chip("Differs", "danger"),
    )


def _taking(close: Close) -> Action:
    way = None if close.figures.issued_count else "no invoice of the month is issued yet"
    return Action(
        TAKE,
        "Take a snapshot",
        f"{PATH}/{close.period.name}/snapshot",
        effect="Keeps what every account owes now, for good. Nothing is mailed, and no account changes by it.",
        hidden={"snapshot_id": str(new_id())},
        done="Taken: it stands below",
        is_primary=True,
        **refused(close.operator, MONEY, way),
    )


def _state(close: Close) -> str:
    number = close.counts.snapshots
    if number:
        return f"{counted(number, 'snapshot', 'snapshots')} taken"
    return "To take" if close.figures.issued_count else "After the issue"


STEP = MonthStep("snapshot", "Receivables", _state, _show)


class SnapshotForm(Form):
    """Sent twice it is one."""

    snapshot_id: UUID | None = None


@form_at(PATH + "/{month:str}/snapshot", MONEY)
async def take_by_form(
    month: Month,
    data: JSONBody[SnapshotForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await snapshot_by_operator(session, month, data.snapshot_id, house, operator, clock.now())
    return console.redirect(f"{STEP.path(month)}?done={TAKE}")


ROUTES = (take_by_form,)
