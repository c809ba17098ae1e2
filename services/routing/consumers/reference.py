"""What routing leans on and others own: what stands with an installer at billing, and who the operators are."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts import topics
from contracts.billing import AccountChanged
from contracts.envelope import Incoming
from contracts.identity import OperatorChanged
from contracts.values import InvoiceKind
from services.routing.commands.reference import AccountState, OperatorState, keep_accounts, keep_operators


def of_accounts() -> Consumer:
    async def on_account_changed(session: AsyncSession, batch: list[Incoming[AccountChanged]]) -> None:
        await keep_accounts(session, [_account(i) for i in batch if i.event.kind is InvoiceKind.INSTALLER])

    return Consumer(topics.ACCOUNTS, {AccountChanged: on_account_changed})


def of_operators() -> Consumer:
    async def on_operator_changed(session: AsyncSession, batch: list[Incoming[OperatorChanged]]) -> None:
        await keep_operators(session, [_operator(incoming) for incoming in batch])

    return Consumer(topics.OPERATORS, {OperatorChanged: on_operator_changed})


def _account(incoming: Incoming[AccountChanged]) -> AccountState:
    event = incoming.event
    return AccountState(
        installer_id=event.account_id,
        version=incoming.envelope.aggregate_version,
        has_prices=event.has_prices,
        credit_hold=event.credit_hold,
        credit_hold_reason=event.credit_hold_reason,
        outstanding_cents=event.outstanding_cents,
        overdue_cents=event.overdue_cents,
        is_collectable=event.is_collectable,
        changed_at=event.changed_at,
    )


def _operator(incoming: Incoming[OperatorChanged]) -> OperatorState:
    event = incoming.event
    return OperatorState(
        operator_id=event.operator_id,
        version=incoming.envelope.aggregate_version,
        name=event.name,
        email=event.email,
        is_active=event.is_active,
        capabilities=list(event.capabilities),
    )
