"""What routing says of installers: who is billed for what is delivered to them."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.routing import InstallerChanged
from contracts.topics import INSTALLERS
from contracts.values import InvoiceKind
from services.billing.commands.accounts import AccountState, apply_account_states


async def on_changed(session: AsyncSession, batch: list[Incoming[InstallerChanged]], *, clock: Clock) -> None:
    states = [_account(incoming.event, incoming.envelope.aggregate_version) for incoming in batch]
    await apply_account_states(session, states, clock.now())


def consumer(clock: Clock) -> Consumer:
    return Consumer(INSTALLERS, {InstallerChanged: partial(on_changed, clock=clock)})


def _account(event: InstallerChanged, version: int) -> AccountState:
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
