"""What is owed, over HTTP: the ageing as of any day, and the invoices behind each of its cells."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.console.fields import end_of
from chassis.database import Database
from chassis.errors import FieldError, Invalid
from chassis.http import Given, requires
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.commands.receivables import INSTANT
from services.billing.domain.ageing import Age, Aged
from services.billing.domain.collection import figures_of
from services.billing.domain.receivables import Figure
from services.billing.queries import accounts, ageing, collected, owed, snapshots
from services.billing.queries.owed import OwedFilter

MOST_INVOICES = 500
AsOfDay = Annotated[date | None, QueryParameter(name="as_of", description="a day that is over; now without one")]


class NotADay(Invalid):
    code = "as_of_invalid"
    title = "Not a day that is over"


class AgedView(BaseModel):
    """By days overdue, with GST. `credit_cents` is not taken off; `disputed_cents` is in what is owed."""

    not_due_cents: int
    to_30_cents: int
    to_60_cents: int
    to_90_cents: int
    over_90_cents: int
    owed_cents: int
    overdue_cents: int
    credit_cents: int
    disputed_cents: int

    @classmethod
    def figures_of(cls, aged: Aged) -> dict[str, int]:
        ages = {f"{age}_cents": cents for age, cents in zip(Age, aged.owed_cents, strict=True)}
        return ages | {
            "owed_cents": aged.total_cents,
            "overdue_cents": aged.overdue_cents,
            "credit_cents": aged.customer_credit_cents,
            "disputed_cents": aged.disputed_cents,
        }

    @classmethod
    def of(cls, aged: Aged) -> Self:
        return cls(**cls.figures_of(aged))


class AgedAccountView(AgedView):
    account_id: UUID
    kind: InvoiceKind
    name: str


class TrendView(BaseModel):
    """A figure now, when the week began and a week before that; null where no snapshot was kept then.

    `since_monday_cents` is what this week added to it, `last_week_cents` what the week before did.
    """

    figure: Figure
    cents: int
    monday_cents: int | None
    monday_before_cents: int | None
    since_monday_cents: int | None
    last_week_cents: int | None


class ReceivablesView(BaseModel):
    """`ledger_cents` is the journal's control of what is owed; `ties` says that the ageing is the same to the cent."""

    as_of: date
    is_now: bool
    total: AgedView
    ledger_cents: int
    difference_cents: int
    ties: bool
    currency: str
    accounts: list[AgedAccountView]
    trends: list[TrendView] = Field([], description="week over week, of now alone")


class OwedInvoiceView(BaseModel):
    invoice_id: UUID
    number: str
    kind: InvoiceKind
    account_id: UUID
    account_name: str
    issued_at: datetime
    due_at: datetime
    days_overdue: int
    owed_cents: int
    disputed_cents: int


class OwedView(BaseModel):
    """The longest overdue first, at most 500 of them; count and sums are of all that match."""

    as_of: date
    count: int
    owed_cents: int
    disputed_cents: int
    currency: str
    invoices: list[OwedInvoiceView]


class MonthFigures(BaseModel):
    """Measures of a month as it ended, or as far as it has come, with what they are reckoned from; days and per cent.

    `simple`: owed ÷ net sales of the last three months x their days. `best_possible`: the same of what is not due.
    `delinquent`: the one less the other. `counted_back`: owed, taken off month after month of sales. `true`: the age of
    each open invoice x its share of its month's sales. `effectiveness` (CEI): (opening + sales - owed) ÷ (opening +
    sales - not due) x 100. `late`: days past the due day of what was paid, on average.
    """

    month: str
    until: date
    opening_cents: int
    sales_cents: int
    owed_cents: int
    not_due_cents: int
    span_sales_cents: int
    span_days: int
    paid_count: int
    late_days: int
    simple: float | None
    best_possible: float | None
    delinquent: float | None
    counted_back: float | None
    true: float | None
    effectiveness: float | None
    late: float | None


class CollectionView(BaseModel):
    """The latest month first."""

    account_id: UUID | None
    currency: str
    months: list[MonthFigures]


def day_asked(day: date | None, now: datetime, zone: ZoneInfo) -> date | None:
    """None for now, and for today; refuses a day that is still to come."""
    today = now.astimezone(zone).date()
    if day is not None and day > today:
        fault = FieldError("as_of", "still_to_come", "Choose today, or a day that is over")
        raise NotADay("nobody knows yet what will be owed then", errors=(fault,))
    return None if day == today else day


def instants_of(day: date | None, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Until when postings count, and an instant of the day from which ages count."""
    before = now + INSTANT if day is None else end_of(day, zone)
    return before, before - INSTANT


@get("/admin/billing/receivables", guards=[requires(Capability.READ_OPS)])
async def get_receivables(
    database: Given[Database], clock: Given[Clock], house: Given[House], as_of: AsOfDay = None
) -> ReceivablesView:
    """Who owes how much for how long, now or as the books stood at the end of a day; those that owe most first."""
    now = clock.now()
    day = day_asked(as_of, now, house.zone)
    before, at = instants_of(day, now, house.zone)
    async with database.reading() as session:
        found = await ageing.aged(session, at, house.zone, None, None if day is None else before)
        mondays = await snapshots.mondays(session, house.zone, now)
    trends = mondays.trends(found.total) if day is None else []
    return ReceivablesView(
        as_of=day or now.astimezone(house.zone).date(),
        is_now=day is None,
        total=AgedView.of(found.total),
        ledger_cents=found.ledger_cents,
        difference_cents=found.difference_cents,
        ties=found.ties,
        currency="AUD",
        accounts=[
            AgedAccountView(
                account_id=each.account_id, kind=each.kind, name=each.name, **AgedView.figures_of(each.aged)
            )
            for each in found.accounts
        ],
        trends=[TrendView.model_validate(each, from_attributes=True) for each in trends],
    )


@get("/admin/billing/receivables/invoices", guards=[requires(Capability.READ_OPS)])
async def list_owed_invoices(
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    as_of: AsOfDay = None,
    age: FromQuery[Age | None] = None,
    account_id: FromQuery[UUID | None] = None,
    disputed: FromQuery[bool] = False,
) -> OwedView:
    """The invoices behind a cell of the ageing, as of the same day."""
    now = clock.now()
    day = day_asked(as_of, now, house.zone)
    before, at = instants_of(day, now, house.zone)
    async with database.reading() as session:
        asked = OwedFilter(age, account_id, disputed)
        found = await owed.owed(session, before, at, house.zone, asked, MOST_INVOICES)
    return OwedView(
        as_of=day or now.astimezone(house.zone).date(),
        count=found.count,
        owed_cents=found.owed_cents,
        disputed_cents=found.disputed_cents,
        currency="AUD",
        invoices=[OwedInvoiceView.model_validate(each, from_attributes=True) for each in found.invoices],
    )


@get("/admin/billing/receivables/figures", guards=[requires(Capability.READ_OPS)], may_miss=True)
async def get_collection_figures(
    database: Given[Database], clock: Given[Clock], house: Given[House], account_id: FromQuery[UUID | None] = None
) -> CollectionView:
    """How well what is sold is collected, of all accounts or of one, month by month."""
    async with database.reading() as session:
        if account_id is not None:
            await accounts.find(session, account_id)
        months = await collected.month_ends(session, house.zone, clock.now(), account_id)
    told = [figures_of(months[:number]) for number in range(len(months), 0, -1)]
    of_figures = (
        *("opening_cents", "span_sales_cents", "span_days", "simple", "best_possible", "delinquent"),
        *("counted_back", "true", "effectiveness", "late"),
    )
    of_month = ("until", "sales_cents", "owed_cents", "not_due_cents", "paid_count", "late_days")
    views = [
        MonthFigures(
            month=each.month.name,
            **{name: getattr(each.month, name) for name in of_month},
            **{name: getattr(each, name) for name in of_figures},
        )
        for each in told
    ]
    return CollectionView(account_id=account_id, currency="AUD", months=views)


ROUTES = (get_receivables, list_owed_invoices, get_collection_figures)
