"""What intake says of clients: who is billed for their boards."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.intake import ClientChanged, ClientState
from contracts.topics import CLIENTS
from contracts.values import InvoiceKind
from services.billing.commands.accounts import AccountState, apply_account_states


async def on_changed(session: AsyncSession, batch: list[Incoming[ClientChanged]], *, clock: Clock) -> None:
    await apply_account_states(session, [account_of(incoming.event.client) for incoming in batch], clock.now())


def consumer(clock: Clock) -> Consumer:
    return Consumer(CLIENTS, {ClientChanged: partial(on_changed, clock=clock)})


def account_of(client: ClientState) -> AccountState:
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
