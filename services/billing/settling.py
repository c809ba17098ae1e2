"""Working off Stripe's webhooks: lease an event, ask Stripe with no transaction open, record what it says."""

from dataclasses import astuple
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.stripe_events import (
    PaidAtStripe,
    ask_about_open,
    forget_event,
    lease_event,
    leave_unasked,
    receive_events,
    settle_event,
    try_event_later,
    wake_unasked,
)
from services.billing.commands.stripe_subjects import Answer, compare_subject
from services.billing.domain.issuing import StripeFacts
from services.billing.domain.webhooks import KEPT_AT_STRIPE, PAYMENT_TYPES, EventSubject, event_of
from services.billing.errors import StripeAway, StripePaymentDiffers
from services.billing.models import StripeEvent
from services.billing.stripe_gateway import Refused, StripeGateway, StripePayment, Succeeded, Unknown

log = structlog.get_logger(__name__)


class StripeSettler:
    """A loop calls `step`; several processes may."""

    def __init__(self, database: Database, gateway: StripeGateway, clock: Clock) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock
        self._has_woken = False

    async def step(self) -> bool:
        """One event; false where none is due."""
        async with self._database.transaction() as session:
            await self._wake_once(session)
            event = await lease_event(session, self._clock.now())
        if event is None:
            return False
        if event.stripe_invoice_id is not None:
            outcome = await self._ask_payments(event, event.stripe_invoice_id)
        elif event.about is not None and event.about_key is not None:
            outcome = await self._look_up(event, EventSubject(event.about, event.about_key))
        else:
            return False
        log.info("stripe_event_worked_off", event_id=event.event_id, outcome=outcome)
        return True

    async def _wake_once(self, session: AsyncSession) -> None:
        """What came while no key was set is asked for by the first process that has one."""
        if not self._has_woken:
            await wake_unasked(session, self._clock.now())
            self._has_woken = True

    async def _ask_payments(self, event: StripeEvent, stripe_invoice_id: str) -> str:
        outcome = await self._gateway.payments(stripe_invoice_id)
        async with self._database.transaction() as session:
            match outcome:
                case Succeeded(payments):
                    paid = [PaidAtStripe(*astuple(payment)) for payment in payments]
                    await settle_event(session, event.id, paid, self._clock.now())
                case Refused(code):
                    await forget_event(session, event.id, code, self._clock.now())
                case Unknown(reason):
                    await try_event_later(session, event.id, reason, self._clock.now())
        return type(outcome).__name__

    async def _look_up(self, event: StripeEvent, subject: EventSubject) -> str:
        """A thing that Stripe has no more of is compared too: what ours has of it is missing there."""
        asked_at = self._clock.now()
        outcome = await self._gateway.looked_up(subject.about, subject.key)
        async with self._database.transaction() as session:
            match outcome:
                case Succeeded(items):
                    await compare_subject(session, event, subject, Answer(items, asked_at), self._clock.now())
                case Refused():
                    await compare_subject(session, event, subject, Answer([], asked_at), self._clock.now())
                case Unknown(reason):
                    await try_event_later(session, event.id, reason, self._clock.now())
        return type(outcome).__name__

    async def sweep(self, due_at: datetime) -> None:
        """Every night: payments of which no webhook told us are found all the same."""
        async with self._database.transaction() as session:
            await ask_about_open(session, due_at, self._clock.now())

    async def fill_gaps(self, _due_at: datetime) -> None:
        """Events of the last 30 days that no webhook brought, whether or not Stripe thinks that it delivered them.

        Each page is kept by itself. Asked again, or after a fall half-way, it finds what it kept and adds the rest.
        """
        cursor, missed, since = None, 0, self._clock.now() - KEPT_AT_STRIPE
        while True:
            outcome = await self._gateway.events(sorted(PAYMENT_TYPES), since, cursor)
            if not isinstance(outcome, Succeeded):
                raise StripeAway("Stripe did not list its events: what was found so far is kept")
            found = [event for body in outcome.found.events if (event := event_of(body)) is not None]
            async with self._database.transaction() as session:
                missed += await receive_events(session, found, self._clock.now(), was_missed=True)
            cursor = outcome.found.cursor
            if cursor is None:
                break
        log.info("stripe_gaps_filled", missed=missed)


class KeylessSettler:
    """Where webhooks are taken and no key is set: says so of each, as nobody can be asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def step(self) -> bool:
        """All that wait, by one statement; false, as nothing is left then."""
        async with self._database.transaction() as session:
            left = await leave_unasked(session)
        if left:
            log.warning("stripe_events_unasked", events=left)
        return False


async def look_up_payment(
    gateway: StripeGateway | None, stripe_invoice_id: str | None, reference: str | None
) -> int | None:
    """What Stripe has of the invoice under that id, in cents; None where there is nothing to ask, or nobody.

    Call it before the transaction that records. Raises StripePaymentDiffers where Stripe has no such payment.
    """
    if gateway is None or stripe_invoice_id is None or reference is None:
        return None
    outcome = await gateway.payments(stripe_invoice_id)
    if isinstance(outcome, Unknown):
        raise StripeAway(f"Stripe did not answer ({outcome.reason}); nothing was changed")
    paid = {payment.reference: payment.amount_cents for payment in _found(outcome)}
    if reference not in paid:
        raise StripePaymentDiffers(f"Stripe has no payment {reference} of {stripe_invoice_id}")
    return paid[reference]


def _found(outcome: Succeeded[list[StripePayment]] | Refused) -> list[StripePayment]:
    return outcome.found if isinstance(outcome, Succeeded) else []


async def look_up(gateway: StripeGateway | None, stripe_invoice_id: str | None) -> StripeFacts | None:
    """The referenced invoice as Stripe has it, for the gate; None without a key or a reference.

    Call it before the transaction that issues. Raises StripeAway where Stripe cannot be asked.
    """
    if gateway is None or stripe_invoice_id is None:
        return None
    outcome = await gateway.invoice(stripe_invoice_id)
    match outcome:
        case Succeeded(found):
            return StripeFacts(
                invoice_id=stripe_invoice_id,
                found=True,
                total_cents=found.total_cents,
                currency=found.currency,
                status=found.status,
                customer_id=found.customer_id,
            )
        case Refused():
            return StripeFacts(stripe_invoice_id, found=False)
        case Unknown(reason):
            raise StripeAway(f"Stripe did not answer ({reason}); nothing was changed")
