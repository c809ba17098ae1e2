"""Holding our books against Stripe's: ask for a page with no transaction open, keep it, compare at the end."""

from datetime import datetime

import structlog

from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.reconciling import (
    LeasedRun,
    StartRun,
    compare_portion,
    keep_balance,
    keep_page,
    lease_run,
    start_run,
    try_run_later,
)
from services.billing.domain.journal import CURRENCY
from services.billing.domain.reconciliation import About, ItemKind, Stage, StripeItem
from services.billing.errors import StripeAway, StripeNotConnected
from services.billing.stripe_gateway import Refused, StripeGateway, Succeeded, Unknown

log = structlog.get_logger(__name__)
BY = "schedule"


class Reconciler:
    """A loop calls `step`; several processes may. Without a gateway, what was uploaded is compared all the same."""

    def __init__(self, database: Database, gateway: StripeGateway | None, clock: Clock) -> None:
        self._database = database
        self._gateway = gateway
        self._clock = clock

    async def step(self) -> bool:
        """One portion of one run; false where none is due."""
        async with self._database.transaction() as session:
            run = await lease_run(session, self._clock.now())
        if run is None:
            return False
        if run.stage is Stage.COMPARING:
            async with self._database.transaction() as session:
                await compare_portion(session, run, self._clock.now())
        else:
            await self._ask(run)
        return True

    async def _ask(self, run: LeasedRun) -> None:
        if self._gateway is None:
            await self._later(run, "no key of Stripe's is set in this process")
        elif run.kind is None:
            await self._ask_balance(run, self._gateway)
        else:
            await self._ask_page(run, run.kind, self._gateway)

    async def _ask_page(self, run: LeasedRun, kind: ItemKind, gateway: StripeGateway) -> None:
        outcome = await gateway.listed(kind, run.since, run.cursor)
        match outcome:
            case Succeeded(page):
                async with self._database.transaction() as session:
                    await keep_page(session, run, page.items, page.cursor, self._clock.now())
            case Refused(reason) | Unknown(reason):
                await self._later(run, reason)

    async def _ask_balance(self, run: LeasedRun, gateway: StripeGateway) -> None:
        outcome = await gateway.balance_cents(CURRENCY.lower())
        match outcome:
            case Succeeded(cents):
                async with self._database.transaction() as session:
                    await keep_balance(session, run, cents, self._clock.now())
            case Refused(reason) | Unknown(reason):
                await self._later(run, reason)

    async def _later(self, run: LeasedRun, reason: str) -> None:
        async with self._database.transaction() as session:
            await try_run_later(session, run, reason, self._clock.now())
        log.info("reconciliation_waits", reconciliation_id=str(run.id), stage=run.stage, reason=reason)

    async def start(self, due_at: datetime) -> None:
        """Every night."""
        async with self._database.transaction() as session:
            await start_run(session, StartRun(BY, due_at=due_at), self._clock.now())


async def look_up_again(gateway: StripeGateway | None, about: About, key: str) -> list[StripeItem]:
    """What Stripe has of it now. Call it before the transaction that keeps it; nothing there is an empty list.

    Raises StripeNotConnected without a key, StripeAway where Stripe does not answer.
    """
    if gateway is None:
        raise StripeNotConnected("nobody can be asked: upload a newer report of Stripe's instead")
    outcome = await gateway.looked_up(about, key)
    match outcome:
        case Succeeded(items):
            return items
        case Refused():
            return []
        case Unknown(reason):
            raise StripeAway(f"Stripe did not answer ({reason}); nothing was changed")
