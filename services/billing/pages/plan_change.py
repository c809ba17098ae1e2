"""Prices of an installer before they are set or ended: what they would change, and the button that sets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Redirect
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Note, Table, Told, show_document
from chassis.console.fields import Day, Dollars, start_of
from chassis.console.timeline import refuse_if_changed, seen_of
from chassis.console.wording import calendar_day, counted, money
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import GstTreatment
from services.billing.commands.house import House
from services.billing.commands.price_plans import AddPricePlan, PreviewedPlan, preview_price_plan
from services.billing.domain.periods import Period, month_name
from services.billing.domain.price_changes import Effect, Prices
from services.billing.http.fields import LARGEST_PRICE_CENTS
from services.billing.http.price_plans import SUBJECT, add_by_operator
from services.billing.models import Account
from services.billing.pages.accounts import PATH, ROOM
from services.billing.pages.doors import DELIVERIES, HELD, account_path
from services.billing.pages.faults import told_beside
from services.billing.pages.plans import END, MONEY, SET
from services.billing.pages.reasons import REASON, Reason
from services.billing.queries import accounts
from services.billing.settings import Settings

READ = Capability.READ_OPS
FIELDS = {"price_plan_version_exists": "effective_day"}
Price = Annotated[Dollars, Field(ge=0, le=LARGEST_PRICE_CENTS)]
AskedPrice = Annotated[int | None, QueryParameter(ge=0, le=LARGEST_PRICE_CENTS)]


class NotADay(Invalid):
    code = "effective_day_invalid"
    title = "Not a day from which prices can hold"


class TryPricesForm(Form):
    """Prices for one lead, in dollars. `seen` is the last change of the installer's prices that the page knew of."""

    effective_day: Day
    exclusive: Price
    shared: Price
    gst_treatment: GstTreatment = GstTreatment.TAXABLE
    seen: UUID | None = None


class SetPricesForm(TryPricesForm):
    reason: Reason


class TryEndForm(Form):
    effective_day: Day
    seen: UUID | None = None


class EndPricesForm(TryEndForm):
    reason: Reason


@form_at(PATH + "/{account_id:uuid}/prices/preview", MONEY)
async def preview_prices(
    account_id: FromPath[UUID],
    data: JSONBody[TryPricesForm],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    prices = Prices(data.exclusive, data.shared, data.gst_treatment, settings.prices_include_gst)
    command = AddPricePlan(account_id, start_of(data.effective_day, console.wording.zone), prices, operator.name)
    await _look(database, console, command)
    asked = {"exclusive": data.exclusive, "shared": data.shared, "gst": data.gst_treatment}
    return console.redirect(_shown_at(account_id, data.effective_day, asked))


@form_at(PATH + "/{account_id:uuid}/end-prices/preview", MONEY)
async def preview_ending(
    account_id: FromPath[UUID],
    data: JSONBody[TryEndForm],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> Redirect:
    command = AddPricePlan(account_id, start_of(data.effective_day, console.wording.zone), None, operator.name)
    await _look(database, console, command)
    return console.redirect(_shown_at(account_id, data.effective_day, {}))


async def _look(database: Database, console: Console, command: AddPricePlan) -> tuple[PreviewedPlan, Period]:
    """What is refused of it is told beside the form that asks."""
    (month,) = Period.months_until(console.clock.now(), 1, console.wording.zone)
    with told_beside(FIELDS):
        async with database.reading() as session:
            return await preview_price_plan(session, command, month), month


def _shown_at(account_id: UUID, day: date, prices: Mapping[str, object]) -> str:
    return f"{account_path(account_id)}/new-prices?{urlencode({'day': day.isoformat(), **prices})}"


@page_at(PATH + "/{account_id:uuid}/new-prices", READ)
async def show_change(
    account_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
    day: Annotated[str, QueryParameter(max_length=10)],
    exclusive: AskedPrice = None,
    shared: AskedPrice = None,
    gst: FromQuery[GstTreatment] = GstTreatment.TAXABLE,
) -> Response[str]:
    """Without both prices it is their end."""
    first, zone = _day(day), console.wording.zone
    prices = None
    if exclusive is not None and shared is not None:
        prices = Prices(exclusive, shared, gst, settings.prices_include_gst)
    command = AddPricePlan(account_id, start_of(first, zone), prices, operator.name)
    found, month = await _look(database, console, command)
    async with database.reading() as session:
        account = await accounts.find(session, account_id)
        seen = await seen_of(session, Subject(SUBJECT, account_id))
    document = _document(_Change(account, first, prices, found, month, zone), operator, seen)
    return show_document(console, request, document)


def _day(written: str) -> date:
    try:
        found: date = TypeAdapter(Day).validate_python(written)
    except ValidationError:
        fault = FieldError("day", "day_invalid", "Write a day as 2026-03-31")
        raise NotADay("that is no day", errors=(fault,)) from None
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """What the page tells of; `month` is the running one."""

    account: Account
    day: date
    prices: Prices | None
    found: PreviewedPlan
    month: Period
    zone: ZoneInfo

    @property
    def last_day(self) -> date | None:
        """Of those that the version would hold for."""
        ends = self.found.effective_to
        return (ends - timedelta(microseconds=1)).astimezone(self.zone).date() if ends else None

    def door(self, path: str, **narrowed: str) -> str:
        days = {"delivered_from": self.day.isoformat()}
        if self.last_day is not None:
            days["delivered_to"] = self.last_day.isoformat()
        asked = {"installer_id": str(self.account.id), **(narrowed or days)}
        return f"{path}?{urlencode(asked)}"


def _document(change: _Change, operator: Operator, seen: str) -> Document:
    deed = "Prices" if change.prices else "No prices"
    return Document(
        title=f"{deed} from {calendar_day(change.day)}",
        room=ROOM,
        up=(change.account.name, account_path(change.account.id)),
        sentence=_sentence(change),
        notes=list(_notes(change)),
        actions=[_set(change, change.prices, operator, seen) if change.prices else _end(change, operator, seen)],
        sections=[_effects(change)],
        timeline=None,
    )


def _sentence(change: _Change) -> str:
    until = f"to {calendar_day(change.last_day)}, after which others hold" if change.last_day else "from then on"
    prices = change.prices
    if prices is None:
        return f"{change.account.name} would have no price {until}. Nothing is changed yet."
    told = f"{money(prices.exclusive_cents)} for an exclusive lead and {money(prices.shared_cents)} for a shared one"
    return f"{told}, {until}. Nothing is changed yet."


def _notes(change: _Change) -> list[Note]:
    found = change.found.change
    kept = Note(
        f"Re-prices 0 of {found.issued.count:,} issued and 0 of {found.unbilled.count:,} unbilled deliveries",
        _told_of_kept(found.issued, found.unbilled),
    )
    notes = [kept]
    if not change.found.is_new:
        notes.insert(0, Note("These very prices are set from that day already", "Setting them again changes nothing."))
    if found.left_held_count:
        left = counted(found.left_held_count, "held delivery waits", "held deliveries wait")
        notes.append(Note(f"{left} on", "No price would cover the day of delivery.", "warning"))
    return notes


def _told_of_kept(*kept: Effect) -> str:
    told = "What is delivered keeps the price of its own instant."
    off = sum(each.difference_cents or 0 for each in kept)
    if off:
        told += f" At these prices it would have come to {money(abs(off))} {'more' if off > 0 else 'less'}, ex GST."
    return told


def _effects(change: _Change) -> Table:
    found = change.found.change
    month = change.door(DELIVERIES, month=change.month.name, status="billable")
    issued = f"{change.door(DELIVERIES)}&status=billable&invoiced=issued"
    unbilled = f"{change.door(DELIVERIES)}&status=billable&invoiced=no&invoiced=draft"
    rows = [
        _row("On issued invoices", "Keep their prices", found.issued, issued),
        _row("Delivered, not issued yet", "Keep their prices", found.unbilled, unbilled),
        _row(f"{month_name(change.month.name)} so far", "A month of this mix", found.month, month),
    ]
    if change.prices is not None:
        held = f"{change.door(HELD)}&state=waits"
        rows.insert(2, _row("Held without a price", "Priced at once", found.priced, held))
    return Table(
        "What it changes",
        (
            ("Deliveries", Kind.TEXT),
            ("What happens", Kind.TEXT),
            ("Exclusive", Kind.NUMBER),
            ("Shared", Kind.NUMBER),
            ("At their prices", Kind.MONEY),
            ("At these prices", Kind.MONEY),
            ("Difference", Kind.MONEY),
        ),
        rows,
        note="AUD ex GST. The first rows are of the days for which these prices would hold.",
    )


def _row(title: str, happens: str, effect: Effect, path: str) -> list[Told]:
    return [
        Shown(title, path=path if effect.count else ""),
        happens,
        Shown(effect.exclusive_count, Kind.NUMBER),
        Shown(effect.shared_count, Kind.NUMBER),
        Shown(effect.cents, Kind.MONEY),
        Shown(effect.cents_at_new_prices, Kind.MONEY),
        Shown(effect.difference_cents, Kind.MONEY),
    ]


def _set(change: _Change, prices: Prices, operator: Operator, seen: str) -> Action:
    priced = change.found.change.priced.count
    also = f" {counted(priced, 'held delivery is', 'held deliveries are')} priced at once." if priced else ""
    return Action(
        SET,
        "Set these prices",
        f"{account_path(change.account.id)}/prices",
        effect=f"They hold from the first minute of {calendar_day(change.day)}. No delivery is re-priced.{also}",
        fields=(REASON,),
        hidden={
            "effective_day": change.day.isoformat(),
            "exclusive": _plain(prices.exclusive_cents),
            "shared": _plain(prices.shared_cents),
            "gst_treatment": prices.gst_treatment,
            "seen": seen,
        },
        is_primary=True,
        **refused(operator, MONEY),
    )


def _end(change: _Change, operator: Operator, seen: str) -> Action:
    return Action(
        END,
        "End the prices",
        f"{account_path(change.account.id)}/end-prices",
        effect=f"What is delivered from {calendar_day(change.day)} on is held, and its month stays open.",
        fields=(REASON,),
        hidden={"effective_day": change.day.isoformat(), "seen": seen},
        destroys=True,
        **refused(operator, MONEY),
    )


def _plain(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@form_at(PATH + "/{account_id:uuid}/prices", MONEY, step_up=True)
async def set_prices_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[SetPricesForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    prices = Prices(data.exclusive, data.shared, data.gst_treatment, settings.prices_include_gst)
    command = AddPricePlan(account_id, start_of(data.effective_day, console.wording.zone), prices, operator.name)
    async with database.transaction() as session:
        await _add(session, command, data, house, operator, clock.now())
    return console.redirect(f"{account_path(account_id)}?done={SET}")


@form_at(PATH + "/{account_id:uuid}/end-prices", MONEY, step_up=True)
async def end_prices_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[EndPricesForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    command = AddPricePlan(account_id, start_of(data.effective_day, console.wording.zone), None, operator.name)
    async with database.transaction() as session:
        await _add(session, command, data, house, operator, clock.now())
    return console.redirect(f"{account_path(account_id)}?done={END}")


async def _add(
    session: AsyncSession,
    command: AddPricePlan,
    data: SetPricesForm | EndPricesForm,
    house: House,
    operator: Operator,
    now: datetime,
) -> None:
    """Prices that somebody else set after the page was shown were not in what it told: it is to be looked at again."""
    await refuse_if_changed(session, Subject(SUBJECT, command.installer_id), data.seen)
    with told_beside(FIELDS):
        await add_by_operator(session, command, data.reason, house, operator, now)


ROUTES = (preview_prices, preview_ending, show_change, set_prices_by_form, end_prices_by_form)
