"""An installer's prices: their versions, each with the days it holds for, and setting them from a day on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Note, Table, Told
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.wording import counted
from contracts.identity import Capability
from contracts.values import GstTreatment
from services.billing.models import PricePlan
from services.billing.pages.account_page import AccountPage

MONEY = Capability.MANAGE_BILLING_OPS
SET, END = "set_prices", "end_prices"
VERBS = {"add_price_plan": "set its prices"}


async def set_prices(page: AccountPage) -> Action | None:
    if not page.is_installer:
        return None
    waiting = f" {counted(len(page.held), 'delivery waits', 'deliveries wait')} for a price:" if page.held else ""
    covered = f"{waiting} those of its days are priced at once." if page.held else ""
    gst = "with" if page.settings.prices_include_gst else "without"
    return Action(
        SET,
        "Set prices from a day",
        f"{page.path}/prices/preview",
        effect="They hold from the first minute of that day until the day from which others are set. "
        f"What is delivered already keeps its price, wherever they begin.{covered} "
        "You see what they change before they are set.",
        fields=(
            _day(page),
            FormField("exclusive", f"Exclusive lead, {gst} GST", FieldKind.MONEY, is_required=True),
            FormField("shared", f"Shared lead, {gst} GST", FieldKind.MONEY, is_required=True),
            FormField(
                "gst_treatment",
                "GST",
                FieldKind.CHOICE,
                value=GstTreatment.TAXABLE,
                is_required=True,
                options=options_of(GstTreatment),
            ),
        ),
        done="Set: the table below has their days",
        **refused(page.operator, MONEY),
    )


async def end_prices(page: AccountPage) -> Action | None:
    if not page.is_installer:
        return None
    return Action(
        END,
        "End prices from a day",
        f"{page.path}/end-prices/preview",
        effect="From that day on there is no price: what is delivered then is held, and its month stays open. You "
        "see what that changes first.",
        fields=(_day(page),),
        done="Ended: the table below has their days",
        destroys=True,
        **refused(page.operator, MONEY),
    )


def _day(page: AccountPage) -> FormField:
    return FormField("effective_day", "From", FieldKind.DAY, value=page.today.isoformat(), is_required=True)


async def without_price(page: AccountPage) -> Note | None:
    if not page.is_installer:
        return None
    if page.held:
        number = counted(len(page.held), "delivery is", "deliveries are")
        text = "Set prices from the first of their days on: they are priced at once, and their months can close."
        return Note(f"{number} held without a price", text, "warning")
    in_force = [plan for plan in page.plans if plan.effective_from <= page.now]
    if not in_force or in_force[-1].closes:
        return Note("There is no price for today", "What is delivered now is held until there is one.", "warning")
    return None


async def prices(page: AccountPage) -> Table | None:
    """The latest first; a version ends where the next begins."""
    if not page.is_installer:
        return None
    ends = [*(plan.effective_from for plan in page.plans[1:]), None]
    windows = [_row(plan, end, page.now) for plan, end in zip(page.plans, ends, strict=False)]
    return Table(
        "Prices",
        (
            ("From", Kind.TEXT),
            ("To", Kind.TEXT),
            ("Holds", Kind.CHIP),
            ("Exclusive", Kind.MONEY),
            ("Shared", Kind.MONEY),
            ("GST", Kind.TEXT),
            ("Set by", Kind.TEXT),
        ),
        list(reversed(windows)),
        empty="None yet: what is delivered to this installer is held until there is a price for its day.",
    )


def _row(plan: PricePlan, end: datetime | None, now: datetime) -> Sequence[Told]:
    treatment = "GST-free" if plan.gst_treatment is GstTreatment.GST_FREE else "Plus GST"
    last_day = end - timedelta(microseconds=1) if end else None
    return (
        Shown(plan.effective_from, Kind.DAY),
        Shown(last_day, Kind.DAY) if last_day else "Open",
        _holds(plan, end, now),
        Shown(plan.exclusive_price_cents, Kind.MONEY),
        Shown(plan.shared_price_cents, Kind.MONEY),
        "No price" if plan.closes else "Includes GST" if plan.includes_gst else treatment,
        plan.created_by,
    )


def _holds(plan: PricePlan, end: datetime | None, now: datetime) -> Told:
    if plan.effective_from > now:
        return chip("To come", "info")
    if end is not None and end <= now:
        return chip("Over")
    return chip("No price", "warning") if plan.closes else chip("Now", "positive")
