"""Kafka in: each batch of events becomes mails, documents or one alert."""

from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console.rooms import Addresses
from chassis.consumer import Consumer
from contracts import topics
from contracts.billing import (
    DeliveryHeld,
    InvoiceDocumentRendered,
    InvoicePaymentHeld,
    InvoicePaymentRecorded,
    InvoiceSent,
    InvoiceVoided,
)
from contracts.books import BooksBlocked, StatementSent
from contracts.envelope import Incoming
from contracts.identity import OperatorChanged
from contracts.intake import LeadEscalated, LeadKeyCreated, LeadKeyDestroyed
from contracts.payouts import AllocationHeld, PayoutFailed, PayoutHeld, PayoutSent
from contracts.routing import (
    AssignmentCancelled,
    AssignmentCreated,
    AssignmentFailed,
    AssignmentLeadCorrected,
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
    DispatchExceptionEscalated,
    DispatchExceptionRaised,
)
from services.notifications import drafts, returns
from services.notifications.commands.alerts import AlertKind, AlertTerms, Trouble, raise_alert
from services.notifications.commands.corrections import stop_corrections
from services.notifications.commands.documents import keep_documents, keep_statements, note_voided, stop_voided
from services.notifications.commands.forgetting import forget_leads
from services.notifications.commands.keys import KeyTold, keep_keys, persons_of
from services.notifications.commands.messages import Draft, cancel_messages, queue_messages
from services.notifications.commands.operators import OperatorAsTold, active_operators, keep_operators
from services.notifications.corrections import can_be_told, lead_correction
from services.notifications.domain.purposes import MailPurpose
from services.notifications.errors import DocumentUnknown
from services.notifications.nudges import nudges
from services.notifications.queries.messages import document_kinds
from services.notifications.settings import Settings


class Consumers:
    """The handlers, with what they are given: the clock for business time, the settings for addresses.

    `wake` tells the sender that there is mail: it would look by itself, but a lead is not to wait for that.
    """

    def __init__(self, clock: Clock, settings: Settings, wake: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._settings = settings
        self._wake = wake

    def all(self) -> tuple[Consumer, ...]:
        return (
            *self._of_work(),
            Consumer(
                topics.BOOKS,
                {
                    BooksBlocked: self._alerts(drafts.BOOKS_BLOCKED, drafts.books_blocked),
                    StatementSent: self.on_statement_sent,
                },
            ),
            Consumer(topics.LEAD_DEEDS, {LeadEscalated: self.on_lead_escalated}),
            Consumer(topics.LEAD_KEYS, {LeadKeyCreated: self.on_key_created, LeadKeyDestroyed: self.on_key_destroyed}),
            Consumer(topics.OPERATORS, {OperatorChanged: self.on_operator_changed}),
            Consumer(topics.DELIVERIES, {DeliveryHeld: self._alerts(drafts.DELIVERY_HELD, drafts.delivery_held)}),
        )

    def _of_work(self) -> tuple[Consumer, ...]:
        """What goes out to installers, customers and experts, and what of it needs somebody."""
        return (
            Consumer(
                topics.ASSIGNMENTS,
                {
                    AssignmentCreated: self.on_assignment_created,
                    AssignmentLeadCorrected: self.on_lead_corrected,
                    AssignmentCancelled: self.on_assignment_cancelled,
                    AssignmentFailed: self.on_assignment_over,
                    AssignmentReturned: self.on_assignment_over,
                    AssignmentReturnRequested: self.on_return_requested,
                    AssignmentReturnDenied: self.on_return_denied,
                },
            ),
            Consumer(
                topics.INVOICES,
                {
                    InvoiceDocumentRendered: self.on_document_rendered,
                    InvoiceSent: self.on_invoice_sent,
                    InvoiceVoided: self.on_invoice_voided,
                    InvoicePaymentRecorded: self.on_payment_recorded,
                    InvoicePaymentHeld: self._alerts(drafts.PAYMENT_HELD, drafts.payment_held),
                },
            ),
            Consumer(
                topics.PAYOUTS,
                {
                    PayoutSent: self.on_payout_sent,
                    AllocationHeld: self._alerts(drafts.ALLOCATION_HELD, drafts.allocation_held),
                    PayoutFailed: self._alerts(drafts.PAYOUT_FAILED, drafts.payout_failed),
                    PayoutHeld: self._alerts(drafts.PAYOUT_HELD, drafts.payout_held),
                },
            ),
            Consumer(
                topics.DISPATCHES,
                {
                    DispatchExceptionRaised: self._alerts(drafts.DISPATCH_EXCEPTION, drafts.dispatch_exception),
                    DispatchExceptionEscalated: self._alerts(drafts.EXCEPTION_ESCALATED, drafts.exception_escalated),
                },
            ),
        )

    async def on_assignment_created(self, session: AsyncSession, batch: list[Incoming[AssignmentCreated]]) -> None:
        """Mailed is what nobody else delivers: routing itself calls the webhooks of installers."""
        mailed = [incoming for incoming in batch if drafts.is_mailed(incoming.event)]
        persons = await persons_of(session, [incoming.event for incoming in mailed])
        await self._queue(session, list(map(drafts.lead_delivery, mailed, persons)))

    async def on_assignment_cancelled(self, session: AsyncSession, batch: list[Incoming[AssignmentCancelled]]) -> None:
        assignments = [incoming.event.assignment_id for incoming in batch]
        await cancel_messages(session, MailPurpose.LEAD_DELIVERY, assignments, self._clock.now())
        await stop_corrections(session, assignments, self._clock.now())

    async def on_assignment_over(
        self, session: AsyncSession, batch: list[Incoming[AssignmentFailed]] | list[Incoming[AssignmentReturned]]
    ) -> None:
        """What delivered the lead is settled by then; who has it no more is told nothing further of it."""
        await stop_corrections(session, {incoming.event.assignment_id for incoming in batch}, self._clock.now())

    async def on_return_requested(
        self, session: AsyncSession, batch: list[Incoming[AssignmentReturnRequested]]
    ) -> None:
        """It waits in its room; only what must not wait is called out."""
        if alarming := [incoming for incoming in batch if returns.is_alarming(incoming.event)]:
            await self._alert(returns.NO_CONSENT, returns.no_consent, session, alarming)

    async def on_return_denied(self, session: AsyncSession, batch: list[Incoming[AssignmentReturnDenied]]) -> None:
        await self._queue(session, [returns.return_answer(incoming) for incoming in batch])

    async def on_lead_corrected(self, session: AsyncSession, batch: list[Incoming[AssignmentLeadCorrected]]) -> None:
        persons = await persons_of(session, [incoming.event for incoming in batch])
        told = [each for each in zip(batch, persons, strict=True) if can_be_told(each[0].event, each[1])]
        await self._queue(session, [lead_correction(*each) for each in told])

    async def on_key_created(self, session: AsyncSession, batch: list[Incoming[LeadKeyCreated]]) -> None:
        """Mails that waited for one go out."""
        await keep_keys(session, [_key(incoming, b64decode(incoming.event.key_base64)) for incoming in batch])
        self._wake_after(session)

    async def on_key_destroyed(self, session: AsyncSession, batch: list[Incoming[LeadKeyDestroyed]]) -> None:
        await forget_leads(session, {incoming.event.lead_id for incoming in batch}, self._clock.now())
        await keep_keys(session, [_key(incoming, None) for incoming in batch])

    async def on_document_rendered(self, session: AsyncSession, batch: list[Incoming[InvoiceDocumentRendered]]) -> None:
        await keep_documents(session, [incoming.event for incoming in batch], self._clock.now())

    async def on_invoice_sent(self, session: AsyncSession, batch: list[Incoming[InvoiceSent]]) -> None:
        """The document came before it, in the same key; where that was discarded, this one is refused."""
        kinds = await document_kinds(session, {incoming.event.document_id for incoming in batch})
        for incoming in batch:
            if incoming.event.document_id not in kinds:
                raise DocumentUnknown("nothing was attached yet", document_id=incoming.event.document_id)
        mails = [drafts.invoice(i, kinds[i.event.document_id]) for i in batch]
        mails += [copy for i in batch for copy in drafts.invoice_copies(i, kinds[i.event.document_id])]
        await self._queue(session, mails)
        await stop_voided(session, {incoming.event.invoice_id for incoming in batch}, self._clock.now())

    async def on_invoice_voided(self, session: AsyncSession, batch: list[Incoming[InvoiceVoided]]) -> None:
        voided_at = {incoming.event.invoice_id: incoming.event.voided_at for incoming in batch}
        await note_voided(session, voided_at, self._clock.now())

    async def on_statement_sent(self, session: AsyncSession, batch: list[Incoming[StatementSent]]) -> None:
        """The event brings its document with it."""
        await keep_statements(session, [incoming.event for incoming in batch], self._clock.now())
        await self._queue(session, [drafts.statement(incoming) for incoming in batch])

    async def on_payment_recorded(self, session: AsyncSession, batch: list[Incoming[InvoicePaymentRecorded]]) -> None:
        """That money came in is no news; that it is more than was owed is."""
        over_paid = [incoming for incoming in batch if incoming.event.customer_credit_cents]
        if over_paid:
            await self._alert(drafts.OVER_PAID, drafts.over_paid, session, over_paid)

    async def on_payout_sent(self, session: AsyncSession, batch: list[Incoming[PayoutSent]]) -> None:
        await self._queue(session, [drafts.payout_receipt(incoming) for incoming in batch])

    async def on_lead_escalated(self, session: AsyncSession, batch: list[Incoming[LeadEscalated]]) -> None:
        """Only a nudge has somebody to reach."""
        known = await active_operators(session, {id_ for incoming in batch for id_ in incoming.event.recipient_ids})
        leads_at = Addresses(self._settings.console_addresses).url("intake", "")
        team = self._settings.ops_alert_address
        await self._queue(session, [mail for incoming in batch for mail in nudges(incoming, known, team, leads_at)])

    async def on_operator_changed(self, session: AsyncSession, batch: list[Incoming[OperatorChanged]]) -> None:
        await keep_operators(session, [_as_told(incoming) for incoming in batch])

    async def _queue(self, session: AsyncSession, mails: list[Draft]) -> None:
        await queue_messages(session, mails, self._settings.mail_domain, self._clock.now())
        self._wake_after(session)

    def _wake_after(self, session: AsyncSession) -> None:
        event.listen(session.sync_session, "after_commit", lambda _session: self._wake(), once=True)

    def _alerts(self, kind: AlertKind, describe: Callable[[Incoming[Any]], Trouble]) -> Any:
        return partial(self._alert, kind, describe)

    async def _alert(
        self,
        kind: AlertKind,
        describe: Callable[[Incoming[Any]], Trouble],
        session: AsyncSession,
        batch: list[Incoming[Any]],
    ) -> None:
        terms = AlertTerms(
            recipient=self._settings.ops_alert_address,
            interval_seconds=self._settings.alert_interval_seconds,
            mail_domain=self._settings.mail_domain,
            now=self._clock.now(),
        )
        await raise_alert(session, kind, [describe(incoming) for incoming in batch], terms)


def _key(incoming: Incoming[LeadKeyCreated] | Incoming[LeadKeyDestroyed], key: bytes | None) -> KeyTold:
    return KeyTold(incoming.event.lead_id, incoming.envelope.aggregate_version, key)


def _as_told(incoming: Incoming[OperatorChanged]) -> OperatorAsTold:
    event = incoming.event
    version = incoming.envelope.aggregate_version
    return OperatorAsTold(event.operator_id, event.name, event.email, event.is_active, version)
