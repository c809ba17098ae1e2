"""Kafka in: translate a list of events, call one command."""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts import topics
from contracts.envelope import Incoming
from contracts.identity import OperatorChanged
from contracts.intake import BoardClosed, ClientChanged, ClientState, LeadCreditsAsked, LeadErased
from contracts.payouts import PayoutAllocated, PayoutReversed, PayoutSent
from contracts.routing import (
    AssignmentCapReleased,
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
    AssignmentReturnWithdrawn,
    AssignmentSent,
    InstallerChanged,
)
from contracts.values import CreditRequest, InvoiceKind, Location
from services.billing.commands.accounts import AccountState, apply_account_states
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.client_invoices import ClosedBoard, draft_board_invoices
from services.billing.commands.credit_requests import AskedCredit, ask_for_credits
from services.billing.commands.deliveries import CapRelease, record_deliveries, release_caps
from services.billing.commands.forgetting import forget_leads
from services.billing.commands.operators import OperatorAsTold, keep_operators
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.commands.pricing import SentAssignment
from services.billing.commands.returns import ReturnAsked, ReturnClosed, close_returns, open_returns

RETURN = "return"
"""The deed of a credit that an accepted return brings."""


async def on_assignment_sent(
    session: AsyncSession, batch: list[Incoming[AssignmentSent]], *, rule: ApprovalRule, clock: Clock
) -> None:
    sent = [_sent(incoming.event, Cause.of(incoming.envelope)) for incoming in batch]
    await record_deliveries(session, sent, rule, clock.now())


async def on_assignment_cap_released(session: AsyncSession, batch: list[Incoming[AssignmentCapReleased]]) -> None:
    releases = [CapRelease(incoming.event.assignment_id, incoming.event.reason_code) for incoming in batch]
    await release_caps(session, releases)


async def on_lead_credits_asked(
    session: AsyncSession, batch: list[Incoming[LeadCreditsAsked]], *, rule: ApprovalRule, clock: Clock
) -> None:
    asked = [
        _asked(credit, incoming, incoming.event.deed, incoming.event.deed_id)
        for incoming in batch
        for credit in incoming.event.credits
    ]
    await ask_for_credits(session, asked, rule, clock.now())


async def on_assignment_returned(
    session: AsyncSession, batch: list[Incoming[AssignmentReturned]], *, rule: ApprovalRule, clock: Clock
) -> None:
    asked = [
        _asked(credit, incoming, RETURN, incoming.event.return_id)
        for incoming in batch
        for credit in incoming.event.credits
    ]
    await close_returns(session, [_closed(incoming) for incoming in batch], clock.now())
    await ask_for_credits(session, asked, rule, clock.now())


async def on_return_requested(session: AsyncSession, batch: list[Incoming[AssignmentReturnRequested]]) -> None:
    await open_returns(session, [_return_asked(incoming) for incoming in batch])


async def on_return_ended(
    session: AsyncSession,
    batch: list[Incoming[AssignmentReturnDenied | AssignmentReturnWithdrawn]],
    *,
    clock: Clock,
) -> None:
    await close_returns(session, [_closed(incoming) for incoming in batch], clock.now())


async def on_installer_changed(session: AsyncSession, batch: list[Incoming[InstallerChanged]], *, clock: Clock) -> None:
    states = [_installer(incoming.event, incoming.envelope.aggregate_version) for incoming in batch]
    await apply_account_states(session, states, clock.now())


async def on_client_changed(session: AsyncSession, batch: list[Incoming[ClientChanged]], *, clock: Clock) -> None:
    await apply_account_states(session, [_client(incoming.event.client) for incoming in batch], clock.now())


async def on_board_closed(session: AsyncSession, batch: list[Incoming[BoardClosed]], *, clock: Clock) -> None:
    boards = [_board(incoming.event, Cause.of(incoming.envelope)) for incoming in batch]
    await draft_board_invoices(session, boards, clock.now())


async def on_payout_allocated(session: AsyncSession, batch: list[Incoming[PayoutAllocated]], *, clock: Clock) -> None:
    moves = [_moved(PayoutStep.ALLOCATED, i.event, i.event.payout_id, i.event.allocated_at) for i in batch]
    await post_payouts(session, moves, clock.now())


async def on_payout_sent(session: AsyncSession, batch: list[Incoming[PayoutSent]], *, clock: Clock) -> None:
    # By transfer: what moved at Stripe is the fact, and its id is Stripe's.
    moves = [_moved(PayoutStep.SENT, i.event, i.event.stripe_transfer_id, i.event.sent_at) for i in batch]
    await post_payouts(session, moves, clock.now())


async def on_payout_reversed(session: AsyncSession, batch: list[Incoming[PayoutReversed]], *, clock: Clock) -> None:
    moves = [_moved(PayoutStep.REVERSED, i.event, i.event.stripe_reversal_id, i.event.reversed_at) for i in batch]
    await post_payouts(session, moves, clock.now())


async def on_lead_erased(session: AsyncSession, batch: list[Incoming[LeadErased]]) -> None:
    await forget_leads(session, {incoming.event.lead_id for incoming in batch})


async def on_operator_changed(session: AsyncSession, batch: list[Incoming[OperatorChanged]]) -> None:
    await keep_operators(session, [_told(incoming) for incoming in batch])


def consumers(clock: Clock, rule: ApprovalRule) -> tuple[Consumer, ...]:
    return (
        Consumer(topics.INSTALLERS, {InstallerChanged: partial(on_installer_changed, clock=clock)}),
        Consumer(topics.LEAD_DEEDS, {LeadCreditsAsked: partial(on_lead_credits_asked, rule=rule, clock=clock)}),
        Consumer(topics.CLIENTS, {ClientChanged: partial(on_client_changed, clock=clock)}),
        Consumer(topics.BOARDS, {BoardClosed: partial(on_board_closed, clock=clock)}),
        Consumer(topics.LEADS, {LeadErased: on_lead_erased}),
        Consumer(topics.OPERATORS, {OperatorChanged: on_operator_changed}),
        Consumer(
            topics.ASSIGNMENTS,
            {
                AssignmentSent: partial(on_assignment_sent, rule=rule, clock=clock),
                AssignmentCapReleased: on_assignment_cap_released,
                AssignmentReturned: partial(on_assignment_returned, rule=rule, clock=clock),
                AssignmentReturnRequested: on_return_requested,
                AssignmentReturnDenied: partial(on_return_ended, clock=clock),
                AssignmentReturnWithdrawn: partial(on_return_ended, clock=clock),
            },
        ),
        Consumer(
            topics.PAYOUTS,
            {
                PayoutAllocated: partial(on_payout_allocated, clock=clock),
                PayoutSent: partial(on_payout_sent, clock=clock),
                PayoutReversed: partial(on_payout_reversed, clock=clock),
            },
        ),
    )


def _sent(event: AssignmentSent, cause: Cause) -> SentAssignment:
    return SentAssignment(
        assignment_id=event.assignment_id,
        lead_id=event.lead_id,
        installer_id=event.installer_id,
        product_type=event.selected_path.product_type,
        service=event.service,
        locality=_locality(event.location),
        delivered_at=event.sent_at,
        cause=cause,
    )


def _asked(
    credit: CreditRequest, incoming: Incoming[LeadCreditsAsked] | Incoming[AssignmentReturned], deed: str, deed_id: UUID
) -> AskedCredit:
    return AskedCredit(
        request_id=credit.request_id,
        assignment_id=credit.assignment_id,
        lead_id=incoming.event.lead_id,
        installer_id=credit.installer_id,
        reason_code=credit.reason_code,
        note=credit.note,
        deed=deed,
        deed_id=deed_id,
        asked_by_id=credit.asked_by_id,
        asked_by_name=credit.asked_by_name,
        is_proposal=credit.is_proposal,
        cause=Cause.of(incoming.envelope),
    )


def _return_asked(incoming: Incoming[AssignmentReturnRequested]) -> ReturnAsked:
    event = incoming.event
    version = incoming.envelope.aggregate_version
    return ReturnAsked(event.assignment_id, event.installer_id, event.return_id, version, event.decide_by)


def _closed(
    incoming: Incoming[AssignmentReturned] | Incoming[AssignmentReturnDenied | AssignmentReturnWithdrawn],
) -> ReturnClosed:
    event = incoming.event
    return ReturnClosed(event.assignment_id, event.installer_id, event.return_id, incoming.envelope.aggregate_version)


def _locality(location: Location) -> str:
    return f"{location.suburb} {location.state} {location.postcode}"


def _installer(event: InstallerChanged, version: int) -> AccountState:
    return AccountState(
        id=event.installer_id,
        kind=InvoiceKind.INSTALLER,
        source_version=version,
        name=event.name,
        abn=event.abn,
        billing_name=event.name,
        billing_email=event.billing_email,
        billing_address=event.billing_address,
        gst_registered=event.gst_registered,
    )


def _client(client: ClientState) -> AccountState:
    return AccountState(
        id=client.client_id,
        kind=InvoiceKind.CLIENT,
        source_version=client.version,
        name=client.name,
        abn=client.abn,
        billing_name=client.billing_name,
        billing_email=client.billing_email,
        billing_address=client.billing_address,
        agreed_terms_days=client.terms_days,
    )


def _board(event: BoardClosed, cause: Cause) -> ClosedBoard:
    return ClosedBoard(
        board_id=event.board_id,
        title=event.title,
        client=_client(event.client),
        amount_cents=event.contracted_amount_cents,
        purchase_order=event.purchase_order,
        cause=cause,
    )


def _moved(
    step: PayoutStep,
    event: PayoutAllocated | PayoutSent | PayoutReversed,
    source_id: object,
    occurred_at: datetime,
) -> PayoutMoved:
    return PayoutMoved(step, str(source_id), event.payout_id, event.expert_id, event.amount_cents, occurred_at)


def _told(incoming: Incoming[OperatorChanged]) -> OperatorAsTold:
    event = incoming.event
    return OperatorAsTold(
        operator_id=event.operator_id,
        name=event.name,
        email=event.email,
        is_active=event.is_active,
        capabilities=list(event.capabilities),
        version=incoming.envelope.aggregate_version,
    )
