"""The figures by which billing is steered, month by month, each a door to what it counts."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Document, Fact, Section, Table, Told, show_document
from chassis.console.wording import DASH, money, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.domain.periods import Period, month_name
from services.billing.http.figures import AskedMonth, BillingFigures, CollectionFigures, InstallerFigures, get_figures
from services.billing.pages import adjustments, collection_words, journal, month_unrecorded, overdue
from services.billing.pages.doors import DELIVERIES, HELD, account_path
from services.billing.settings import Settings

ROOM = "billing-figures"
PATH = "/console/billing-figures"
DISPATCH_HEALTH = "/console/dispatch-health"
SHOWN_MONTHS = 6


@page_at(PATH, Capability.READ_OPS)
async def show_figures(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    month: AskedMonth = None,
) -> Response[str]:
    found: BillingFigures = await get_figures.fn(database, clock, settings, month)
    others = Period.months_until(clock.now(), SHOWN_MONTHS, settings.zone)
    page = _Page(found, settings.zone, console.addresses.url("routing", DISPATCH_HEALTH))
    document = Document(
        title=f"Billing figures: {month_name(found.period)}",
        room=ROOM,
        up=None,
        sentence=_sentence(found),
        amount=money(found.issued_cents) if found.issued_cents else "",
        amount_note="AUD issued in the month, inc. GST",
        facts=list(page.facts()),
        sections=list(page.sections()),
        links=[
            (month_name(each.name), f"{PATH}?month={each.name}") for each in others[:3] if each.name != found.period
        ],
        timeline=None,
    )
    return show_document(console, request, document)


def _sentence(found: BillingFigures) -> str:
    if not found.told_count:
        return "Nothing was delivered in the month."
    billable = sum(each.billable_count for each in found.products)
    return f"{found.told_count:,} deliveries were told of; {billable:,} of them are billable."


def _share(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f} %"


class _Page:
    """A month's figures with their doors."""

    def __init__(self, found: BillingFigures, zone: ZoneInfo, dispatch_health: str) -> None:
        self._found = found
        self._dispatch_health = dispatch_health
        month = Period.of_month(found.period, zone)
        self._first, self._last = month.days(zone)
        self._issues = journal.standing_issues(month, zone)

    def _deliveries(self, **narrowed: str) -> str:
        return f"{DELIVERIES}?{urlencode({'month': self._found.period, **narrowed})}"

    def _days(self, path: str, name: str, **narrowed: str) -> str:
        days = {f"{name}_from": self._first.isoformat(), f"{name}_to": self._last.isoformat()}
        return f"{path}?{urlencode({**narrowed, **days})}"

    def facts(self) -> Iterator[Fact]:
        found, owed = self._found, self._found.collection
        lost = found.unrecorded_count
        yield Fact("Recorded of told", Shown(_share(found.recorded_share), path=self._deliveries()))
        yield Fact("Held without a price", _number(found.held_count, f"{HELD}?state=waits&month={found.period}"))
        yield Fact("Not recorded", _number(lost, month_unrecorded.STEP.path(found.period)))
        yield Fact("Cap used", _number(found.caps.used_count, self._deliveries(cap="counted")))
        yield Fact("Caps released", _number(found.caps.released_count, self._deliveries(cap="released")))
        credited = self._days(adjustments.PATH, "decided", state="approved", kind="credit", invoice="stands")
        yield Fact("Credit rate", Shown(_share(found.credit_rate), path=credited))
        yield Fact("Invoiced, inc. GST", Shown(found.issued_cents, Kind.MONEY, path=self._issues))
        yield Fact("Outstanding now", Shown(owed.outstanding_cents, Kind.MONEY, path=overdue.PATH))
        days = collection_words.days(owed.days_sales_outstanding)
        yield Fact("Days sales outstanding", Shown(days, path=collection_words.FIGURES))

    def sections(self) -> Iterator[Section]:
        drawings = [self._products(), self._releases(), self._credits()]
        yield Charts("At a glance", [draw(title, told, bars) for title, told, bars in drawings if bars])
        yield self._installers()
        yield Table(
            "How they are reckoned",
            (("Figure", Kind.TEXT), ("From", Kind.TEXT)),
            [list(each) for each in self._formulas()],
        )

    def _products(self) -> tuple[str, str, list[Bar]]:
        bars = [
            Bar(
                words(each.product_type),
                each.billable_count,
                f"{each.billable_count:,}, {money(each.price_cents)}",
                self._deliveries(product=each.product_type, status="billable"),
                each.billable_count_before,
                f"{each.billable_count_before:,}",
            )
            for each in self._found.products
        ]
        return "Billable deliveries", "By product, with their prices; in grey the month before", bars

    def _releases(self) -> tuple[str, str, list[Bar]]:
        bars = [
            Bar(words(reason), number, f"{number:,}", self._deliveries(cap_reason=reason))
            for reason, number in self._found.caps.releases.items()
        ]
        return "Why caps were released", "Deliveries of the month", bars

    def _credits(self) -> tuple[str, str, list[Bar]]:
        door = {"state": "approved", "kind": "credit", "invoice": "stands"}
        bars = [
            Bar(
                words(each.reason_code),
                each.cents,
                money(each.cents),
                self._days(adjustments.PATH, "decided", reason=each.reason_code, **door),
                each.cents_before,
                money(each.cents_before),
            )
            for each in self._found.credits
        ]
        return "Why credits were given", "AUD ex GST agreed to in the month; in grey the month before", bars

    def _installers(self) -> Table:
        found = self._found
        return Table(
            "By installer",
            (
                ("Installer", Kind.TEXT),
                ("Exclusive", Kind.NUMBER),
                ("Shared", Kind.NUMBER),
                ("Prices, AUD", Kind.MONEY),
                ("Cap used", Kind.NUMBER),
            ),
            [self._row(each) for each in found.installers],
            empty="Nothing was delivered in the month.",
            more=(f"All {found.installer_count:,} by their deliveries", self._deliveries())
            if found.installer_count > len(found.installers)
            else None,
        )

    def _row(self, each: InstallerFigures) -> list[Told]:
        def door(**narrowed: str) -> str:
            return self._deliveries(installer_id=str(each.installer_id), **narrowed)

        return [
            Shown(each.name, path=account_path(each.installer_id)),
            _number(each.exclusive_count, door(product="exclusive", status="billable")),
            _number(each.shared_count, door(product="shared", status="billable")),
            Shown(each.price_cents, Kind.MONEY, path=door(status="billable")),
            _number(each.cap_used_count, door(cap="counted")),
        ]

    def _formulas(self) -> Iterator[tuple[Told, Told]]:
        found, owed = self._found, self._found.collection
        yield "Recorded of told", f"{found.recorded_count:,} in the ledger, of {found.told_count:,} that were told of"
        told = "Sent, of what was dispatched: as dispatch tells it"
        yield "Delivery success", Shown(told, path=self._dispatch_health)
        yield (
            "Credit rate",
            f"{money(found.credited_cents)} credited, by {money(found.issued_subtotal_cents)} issued, ex GST",
        )
        yield "Days sales outstanding", _sales_outstanding(owed)


def _sales_outstanding(owed: CollectionFigures) -> str:
    if owed.until is None or owed.owed_cents is None or owed.sales_in_span_cents is None or owed.span_days is None:
        return collection_words.NOTHING_YET
    told = collection_words.formula(owed.owed_cents, owed.sales_in_span_cents, owed.span_days)
    return f"{told}, {collection_words.as_of(owed.until)}"


def _number(value: int, path: str) -> Shown:
    return Shown(value, Kind.NUMBER, path=path if value else "")


ROUTES = (show_figures,)
