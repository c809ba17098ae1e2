"""What several pages say of snapshots of the receivables: how to take one, how two compare, and week by week."""

from collections.abc import Mapping, Sequence
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
from services.billing.domain.receivables import Figure, trends
from services.billing.models import ReceivablesSnapshot
from services.billing.queries.snapshots import Mondays

PATH = "/console/receivables/snapshots"
TAKE = "take_snapshot"
WEEKS = 13
FIGURES: Mapping[Figure, str] = {
    Figure.OUTSTANDING: "Outstanding",
    Figure.OVERDUE: "Overdue",
    Figure.OVER_30: "Overdue 31 days and more",
}
EXPLAINED = "AUD inc. GST, when each week began"


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


def weekly_table(now: Aged, mondays: Mondays) -> Table:
    """What is owed now beside what it was when the week began and a week before that, each a door to its snapshot."""
    this, before = _door(mondays.this), _door(mondays.before)
    rows = [
        (
            FIGURES[trend.figure],
            Shown(trend.monday_before_cents, Kind.MONEY, path=before),
            Shown(trend.last_week_cents, Kind.MONEY),
            Shown(trend.monday_cents, Kind.MONEY, path=this),
            Shown(trend.since_monday_cents, Kind.MONEY),
            Shown(trend.cents, Kind.MONEY),
        )
        for trend in mondays.trends(now)
    ]
    titles = ("The Monday before", "In the week before", "When the week began", "Since then", "Now")
    heads = (("AUD inc. GST", Kind.TEXT), *((title, Kind.MONEY) for title in titles))
    missing = [told for told, kept in (("this week", mondays.this), ("the week before", mondays.before)) if not kept]
    note = f"Nothing was kept of {' and of '.join(missing)}. A snapshot is taken each Monday." if missing else ""
    return Table("Week over week", heads, rows, note=note)


def _door(snapshot: ReceivablesSnapshot | None) -> str:
    return f"{PATH}/{snapshot.id}" if snapshot else ""


def compared(title: str, now: Aged, before: ReceivablesSnapshot | None, told: str = "Now") -> Table:
    path = _door(before)
    rows = [
        (
            FIGURES[trend.figure],
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
    drawings = [draw(weekly(figure), EXPLAINED, bars(weeks, figure, zone)) for figure in Figure]
    return Charts("Week by week", drawings)


def weekly(figure: Figure) -> str:
    return f"{FIGURES[figure]}, week by week"


def bars(weeks: Sequence[ReceivablesSnapshot], figure: Figure, zone: ZoneInfo) -> list[Bar]:
    return [_bar(each, figure.of(each.aged), zone) for each in weeks]


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
