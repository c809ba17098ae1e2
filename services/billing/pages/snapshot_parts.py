"""What several pages say of snapshots of the receivables: how to take one, how two compare, and week by week."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Table
from chassis.console.fields import FieldKind, FormField
from chassis.console.wording import calendar_day, money
from chassis.http import Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.domain.ageing import Aged
from services.billing.domain.receivables import trends
from services.billing.models import ReceivablesSnapshot

PATH = "/console/receivables/snapshots"
TAKE = "take_snapshot"
WEEKS = 13


def take(operator: Operator) -> Action:
    return Action(
        TAKE,
        "Take a snapshot",
        PATH,
        effect="Keeps what every account owes, by age, for good: nobody can change it, and later ones compare with it.",
        fields=(FormField("as_of", "As of the end of", FieldKind.DAY, hint="Empty: as it is now"),),
        hidden={"snapshot_id": str(new_id())},
        done="Taken: it stands in Snapshots",
        **refused(operator, Capability.MANAGE_BILLING_OPS),
    )


def compared(title: str, now: Aged, before: ReceivablesSnapshot | None, told: str = "Now") -> Table:
    path = f"{PATH}/{before.id}" if before else ""
    rows = [
        (
            trend.title,
            Shown(trend.before_cents, Kind.MONEY, path=path),
            Shown(trend.cents, Kind.MONEY),
            Shown(trend.delta_cents, Kind.MONEY),
        )
        for trend in trends(now, before.aged if before else None)
    ]
    heads = (("AUD inc. GST", Kind.TEXT), ("Before", Kind.MONEY), (told, Kind.MONEY), ("Change", Kind.MONEY))
    note = "" if before else "Nothing to compare with: no earlier snapshot was kept. One is taken each Monday."
    return Table(title, heads, rows, note=note)


def drawn(weeks: Sequence[ReceivablesSnapshot], zone: ZoneInfo) -> Charts:
    """Each bar is a door to its snapshot; the first one first."""
    overdue = draw("Overdue, week by week", "AUD inc. GST, when each week began", overdue_bars(weeks, zone))
    owed = draw("Outstanding, week by week", "AUD inc. GST, when each week began", owed_bars(weeks, zone))
    return Charts("Week by week", [owed, overdue])


def owed_bars(weeks: Sequence[ReceivablesSnapshot], zone: ZoneInfo) -> list[Bar]:
    return [_bar(each, each.aged.total_cents, zone) for each in weeks]


def overdue_bars(weeks: Sequence[ReceivablesSnapshot], zone: ZoneInfo) -> list[Bar]:
    return [_bar(each, each.aged.overdue_cents, zone) for each in weeks]


def _bar(each: ReceivablesSnapshot, cents: int, zone: ZoneInfo) -> Bar:
    day = each.as_of.astimezone(zone).date()
    return Bar(calendar_day(day), cents, money(cents), f"{PATH}/{each.id}")


def told_instant(snapshot: ReceivablesSnapshot, zone: ZoneInfo) -> str:
    """At midnight it is the end of the day before that it is of."""
    at = snapshot.as_of.astimezone(zone)
    is_midnight = (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
    if is_midnight:
        return f"the end of {calendar_day((at - timedelta(days=1)).date())}"
    return f"{calendar_day(at.date())}, {at:%H:%M}"
