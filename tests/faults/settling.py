"""When everything that is under way has come to its end: I7."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from tests.faults.checker import Checker
from tests.faults.rig import Rig

POLL_SECONDS = 0.1

UNTOLD = """
    SELECT count(*) FROM accounts a
     WHERE a.told_at IS NULL OR a.told_credit_hold <> a.credit_hold
        OR a.told_outstanding_cents <> (SELECT coalesce(sum(balance_cents), 0) FROM invoices i
                                         WHERE i.account_id = a.id AND i.document_status = 'issued')
        OR a.told_has_prices <> coalesce((SELECT p.exclusive_price_cents IS NOT NULL FROM price_plans p
                                           WHERE p.installer_id = a.id AND p.effective_from <= now()
                                           ORDER BY p.effective_from DESC LIMIT 1), false)
"""
"""Accounts of which something else is told than what stands; what falls due with the days is left out."""

UNDER_WAY = (
    ("leads", "intake", "SELECT count(*) FROM leads WHERE status IN ('received', 'routable', 'dispatching')"),
    ("assignments", "routing", "SELECT count(*) FROM assignments WHERE status = 'pending'"),
    ("mails", "notifications", "SELECT count(*) FROM messages WHERE state IN ('queued', 'deferred', 'sending')"),
    ("documents", "billing", "SELECT count(*) FROM invoices WHERE document_status = 'issued' AND rendered_at IS NULL"),
    ("news of accounts", "billing", UNTOLD),
    ("webhooks", "billing", "SELECT count(*) FROM stripe_events WHERE state = 'pending'"),
    ("comparisons", "billing", "SELECT count(*) FROM reconciliations WHERE stage <> 'finished'"),
    ("attempts", "payouts", "SELECT count(*) FROM attempts WHERE outcome IN ('pending', 'unknown')"),
)
"""Work that a service has in hand, by SQL."""

OLDEST = "SELECT extract(epoch FROM now() - min(created_at)) FROM outbox"


class NotSettled(AssertionError):
    """Something is stuck; the message says what, and for how long the oldest event has been waiting."""


async def until_settled(rig: Rig, checker: Checker, deadline_seconds: float) -> float:
    """Seconds until every event was published and consumed, and no service had anything left to do.

    What is under way can pass from a place that is about to be looked at to one that was: so nothing may have moved
    between two looks that found nothing.
    """
    began, before = monotonic(), -1
    left: dict[str, int] = {}
    while monotonic() - began < deadline_seconds:
        left = await _asked(lambda: _left(rig, checker))
        if not left and checker.moved == before:
            return monotonic() - began
        before = -1 if left else checker.moved
        await asyncio.sleep(POLL_SECONDS)
    raise NotSettled(f"I7: after {deadline_seconds:.0f} s still {left}; oldest pending: {await _oldest(rig)}")


async def _asked(ask: Callable[[], Coroutine[Any, Any, dict[str, int]]]) -> dict[str, int]:
    """A server that is just coming back is one thing more that is not settled."""
    try:
        return await ask()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError) as away:
        return {type(away).__name__: 1}


async def _left(rig: Rig, checker: Checker) -> dict[str, int]:
    for name, service, query in UNDER_WAY:
        if count := await rig.number(service, query):
            return {name: count}
    if unpublished := await checker.read():
        return {"unpublished events": len(unpublished)}
    return await checker.lags()


async def _oldest(rig: Rig) -> dict[str, float]:
    """Seconds by service."""
    ages = {service: await pool.fetchval(OLDEST) for service, pool in rig.pools.items()}
    return {service: round(float(age), 1) for service, age in ages.items() if age is not None}
