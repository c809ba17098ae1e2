"""What billing tells the pages that span all services: what waits, how it stands, and what it finds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Desk, Figure, Waiting
from chassis.console.fields import start_of
from chassis.console.wording import counted, money, words
from contracts.identity import Capability
from services.billing.domain.ageing import Age, days_sales_outstanding
from services.billing.domain.periods import Period, month_name
from services.billing.domain.statuses import StripeEventState
from services.billing.domain.webhooks import UNANSWERED_AFTER
from services.billing.pages import (
    adjustments,
    credit_proposals,
    journal,
    month_close,
    overdue,
    receivables,
    stripe_events,
)
from services.billing.pages.about import ABOUT
from services.billing.pages.finders import FINDERS
from services.billing.pages.month_screens import DELIVERIES, HELD
from services.billing.queries import credit_requests, deliveries, kpis
from services.billing.queries import receivables as owed
from services.billing.queries import stripe_events as events

READ = Capability.READ_OPS
CREDIT_LIMIT = timedelta(days=7)
"""Five business days are a week, on whichever of them it was asked for."""
ISSUED_LIMIT = timedelta(days=7)
HELD_LIMIT = timedelta(days=1)
OVERDUE_LIMIT = timedelta(days=30)
SHOWN_MONTHS = 6
GIVEN = "state=approved&kind=credit"


def desk_of(zone: ZoneInfo) -> Desk:
    """Months and days are the business's."""
    told = _Told(zone)
    return Desk(about=ABOUT, finders=FINDERS, waiting=_waiting(told), cards=_cards(told), charts=_charts(told))


def _waiting(told: "_Told") -> Sequence[Waiting]:
    return (
        Waiting(
            "held",
            READ,
            lambda number: f"{counted(number, 'delivery waits', 'deliveries wait')} for a price",
            f"{HELD}?state=waits",
            told.held,
            HELD_LIMIT,
        ),
        Waiting(
            month_close.ROOM,
            READ,
            lambda _number: "Last month has ended and is not drafted yet",
            month_close.PATH,
            told.undrafted,
            ISSUED_LIMIT,
        ),
        Waiting(
            month_close.ROOM,
            READ,
            lambda number: f"{counted(number, 'draft', 'drafts')} of ended months to issue",
            "/console/invoices?status=draft",
            told.drafts,
            ISSUED_LIMIT,
        ),
        *_waiting_for_finance(told),
        *_waiting_at_stripe(told),
    )


def _waiting_for_finance(told: "_Told") -> Sequence[Waiting]:
    return (
        Waiting(
            adjustments.ROOM,
            READ,
            lambda number: f"{counted(number, 'adjustment waits', 'adjustments wait')} for approval",
            adjustments.QUEUE,
            told.adjustments,
            CREDIT_LIMIT,
        ),
        Waiting(
            credit_proposals.ROOM,
            READ,
            lambda number: f"{counted(number, 'credit is', 'credits are')} proposed",
            credit_proposals.QUEUE,
            told.proposals,
            CREDIT_LIMIT,
        ),
        Waiting(
            receivables.ROOM,
            READ,
            lambda number: f"{counted(number, 'invoice is', 'invoices are')} overdue",
            overdue.QUEUE,
            told.overdue,
            OVERDUE_LIMIT,
        ),
    )


def _waiting_at_stripe(told: "_Told") -> Sequence[Waiting]:
    return (
        Waiting(
            stripe_events.ROOM,
            READ,
            lambda number: f"{counted(number, 'payment', 'payments')} at Stripe cannot be recorded",
            f"{stripe_events.PATH}?state=held",
            told.stripe_held,
            is_alarming=True,
        ),
        Waiting(
            stripe_events.ROOM,
            READ,
            lambda number: f"{counted(number, 'Stripe event names', 'Stripe events name')} no invoice of ours",
            f"{stripe_events.PATH}?state=unmatched",
            told.stripe_unmatched,
            UNANSWERED_AFTER,
        ),
    )


def _cards(told: "_Told") -> Sequence[Card]:
    return (
        Card("Invoiced this month, inc. GST", READ, f"{journal.PATH}?kind=invoice_issued", told.invoiced),
        Card("Outstanding", READ, overdue.PATH, told.outstanding),
        Card("Overdue", READ, overdue.QUEUE, told.overdue_amount),
        Card("Credit rate, last 90 days", READ, f"{adjustments.PATH}?{GIVEN}", told.credit_rate),
        Card("Days sales outstanding", READ, receivables.PATH, told.sales_outstanding),
    )


def _charts(told: "_Told") -> Sequence[Chart]:
    return (
        Chart("What is owed, by age", READ, "AUD inc. GST, by due day, now", told.ages),
        Chart("Invoiced by month", READ, "AUD inc. GST, by day of issue", told.months),
        Chart(
            "Why credits are given",
            READ,
            "AUD ex GST agreed to in the last 90 days; in grey the 90 days before",
            told.reasons,
        ),
        Chart("Billable deliveries this month", READ, "By product; in grey all of last month", told.products),
    )


class _Told:
    """Each reads one figure."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def _today(self, now: datetime) -> datetime:
        """When the business's day began: what was due before it is overdue."""
        return start_of(now.astimezone(self._zone).date(), self._zone)

    async def held(self, session: AsyncSession, _now: datetime) -> Backlog:
        queue = await deliveries.held_queue(session)
        return Backlog(queue.count, queue.oldest_at)

    async def undrafted(self, session: AsyncSession, now: datetime) -> Backlog:
        last = Period.months_until(now, 2, self._zone)[1]
        return Backlog(1, last.end) if await kpis.is_undrafted(session, last) else Backlog(0)

    async def drafts(self, session: AsyncSession, now: datetime) -> Backlog:
        found = await kpis.drafts_of_ended_months(session, now)
        return Backlog(found.number, found.oldest)

    async def adjustments(self, session: AsyncSession, _now: datetime) -> Backlog:
        found = await kpis.pending_adjustments(session)
        return Backlog(found.number, found.oldest)

    async def proposals(self, session: AsyncSession, _now: datetime) -> Backlog:
        found = await credit_requests.proposed(session)
        return Backlog(found.number, found.oldest_at)

    async def overdue(self, session: AsyncSession, now: datetime) -> Backlog:
        found = await kpis.overdue(session, self._today(now))
        return Backlog(found.number, found.oldest)

    async def stripe_held(self, session: AsyncSession, _now: datetime) -> Backlog:
        return await _of_state(session, StripeEventState.HELD)

    async def stripe_unmatched(self, session: AsyncSession, _now: datetime) -> Backlog:
        return await _of_state(session, StripeEventState.UNMATCHED)

    async def invoiced(self, session: AsyncSession, now: datetime) -> Figure:
        this, last = await kpis.issued_in(session, Period.months_until(now, 2, self._zone))
        before = money(last.cents) if last.cents else "Nothing"
        return Figure(money(this.cents), f"{before} in all of {month_name(last.period.name)}")

    async def outstanding(self, session: AsyncSession, now: datetime) -> Figure:
        found = await owed.collection(session, now, self._today(now))
        not_due = found.owed_cents - found.overdue_cents
        rest = f"{money(not_due)} of it is not due yet" if not_due else "all of it overdue"
        return Figure(money(found.owed_cents), rest if found.owed_cents else "nothing is owed")

    async def overdue_amount(self, session: AsyncSession, now: datetime) -> Figure:
        found = await owed.collection(session, now, self._today(now))
        return Figure(money(found.overdue_cents), f"on {counted(found.overdue_count, 'invoice', 'invoices')}")

    async def credit_rate(self, session: AsyncSession, now: datetime) -> Figure:
        given = await kpis.credited_by_reason(session, now - owed.SPAN, now - owed.SPAN)
        issued = await kpis.issued_subtotal(session, now - owed.SPAN)
        cents = sum(each.cents for each in given)
        share = f"{100 * cents / issued:.1f} %" if issued else "–"  # noqa: RUF001  # a dash for what is not there
        return Figure(share, f"{money(cents)} credited of {money(issued)} issued, ex GST")

    async def sales_outstanding(self, session: AsyncSession, now: datetime) -> Figure:
        found, days = await owed.collection(session, now, self._today(now)), owed.SPAN.days
        outstanding = days_sales_outstanding(found.owed_cents, found.issued_cents, days)
        value = "–" if outstanding is None else f"{outstanding} days"  # noqa: RUF001
        paid = "" if found.days_to_pay is None else f"; paid {found.days_to_pay:.1f} days after issue"
        return Figure(value, f"owed, by issued in {days} days, times {days}{paid}")

    async def ages(self, session: AsyncSession, now: datetime) -> list[Bar]:
        found = await owed.aged(session, now, self._zone, 1)
        seen = receivables.AsOf(now.astimezone(self._zone).date(), None)
        return [
            Bar(receivables.AGES[age], cents, money(cents), seen.door(age))
            for age, cents in zip(Age, found.total.owed_cents, strict=True)
        ]

    async def months(self, session: AsyncSession, now: datetime) -> list[Bar]:
        found = await kpis.issued_in(session, Period.months_until(now, SHOWN_MONTHS, self._zone))
        return [
            Bar(month_name(each.period.name), each.cents, money(each.cents), self._issued_in(each.period))
            for each in reversed(found)
        ]

    def _issued_in(self, period: Period) -> str:
        first = period.start.astimezone(self._zone).date()
        last = period.end.astimezone(self._zone).date() - timedelta(days=1)
        return f"{journal.PATH}?kind=invoice_issued&dated_from={first}&dated_to={last}"

    async def reasons(self, session: AsyncSession, now: datetime) -> list[Bar]:
        since = now - owed.SPAN
        first = since.astimezone(self._zone).date()
        return [
            Bar(
                words(each.reason_code),
                each.cents,
                money(each.cents),
                f"{adjustments.PATH}?{GIVEN}&reason={each.reason_code}&decided_from={first}",
                each.before_cents,
                money(each.before_cents),
            )
            for each in await kpis.credited_by_reason(session, since, since - owed.SPAN)
        ]

    async def products(self, session: AsyncSession, now: datetime) -> list[Bar]:
        this, last = Period.months_until(now, 2, self._zone)
        found = await kpis.delivered(session, this, last)
        return [
            Bar(
                words(product),
                here,
                f"{here:,}",
                f"{DELIVERIES}?month={this.name}&product={product}&status=billable",
                then,
                f"{then:,}",
            )
            for product, (here, then) in found.items()
        ]


async def _of_state(session: AsyncSession, state: StripeEventState) -> Backlog:
    return Backlog(*(await events.waiting(session, [state])).get(state, (0, None)))
