"""The demonstration from beginning to end, in the order in which it is told."""

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from deploy.local.demo import (
    away,
    boards,
    collecting,
    credit_hold,
    duplicates,
    erasure,
    fairness,
    follow_ups,
    invoices,
    leads,
    queue,
    reconciling,
    returns,
    sources,
    webhooks,
)
from deploy.local.demo.books import Books, read_books
from deploy.local.demo.operators import SignIn, create_operators, new_sign_ins, sign_in
from deploy.local.demo.reader import Reader
from deploy.local.demo.stage import Stage, Tell
from deploy.local.system import System

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of both flows as an independent reader sees it, and who may go on from there."""

    books: Books
    certificate: Any
    """Billing's own, as it tells it."""
    sign_ins: list[SignIn]
    lead_sources: list[dict[str, str]]


async def play(system: System, tell: Tell) -> Played:
    """Both flows on a system that was just started."""
    addresses = system.addresses
    if addresses.stripe is None or addresses.mailbox_url is None:
        raise RuntimeError("the demonstration plays customers and mail servers: it needs those of the machine room")
    databases = {name: database.url for name, database in addresses.databases.items()}
    limits = httpx.Limits(max_connections=64)
    async with (
        httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False) as client,
        Reader(databases, addresses.stripe.api_base, addresses.mailbox_url, client) as reader,
    ):
        stage = await _set(system, client, reader, tell)
        await leads_to_money(stage)
        await board_to_experts(stage)
        await collecting.chase(stage)
        await sources.try_out(stage)
        await reconciling.reconcile(stage)
        certificate = await reconciling.certify(stage)
        await leads.begin_the_next_month(stage)
        return Played(await read_books(stage), certificate, stage.sign_ins, stage.lead_sources)


async def _set(system: System, client: httpx.AsyncClient, reader: Reader, tell: Tell) -> Stage:
    addresses = system.addresses
    if addresses.stripe is None:
        raise RuntimeError("the demonstration needs a Stripe server")
    sign_ins = new_sign_ins()
    await create_operators(sign_ins, _identity_environment(system))
    owner, _, finance, second, dispatcher, _ = await asyncio.gather(
        *(sign_in(one, addresses.services, client) for one in sign_ins)
    )
    tell(f"{len(sign_ins)} operators, two per role, signed in with password and one-time code")
    sdk = stripe.StripeClient(addresses.stripe.api_key, base_addresses={"api": addresses.stripe.api_base})
    return Stage(
        system=system,
        client=client,
        reader=reader,
        stripe=sdk,
        owner=owner,
        finance=finance,
        second=second,
        dispatcher=dispatcher,
        tell=tell,
        sign_ins=sign_ins,
    )


def _identity_environment(system: System) -> dict[str, str]:
    """What identity's own process was started with, for its own command."""
    from deploy.local import programs  # noqa: PLC0415

    told = programs.service("identity", system.addresses).environment
    return {name: setting for name, setting in told.items() if os.environ.get(name) != setting}


async def leads_to_money(stage: Stage) -> None:
    await leads.open_shop(stage)
    await queue.declare(stage)
    await webhooks.set_up_webhooks(stage)
    await away.send_away(stage)
    handed = await leads.take_first_leads(stage)
    await webhooks.heal_the_broken_one(stage)
    await leads.take_leads(stage, handed)
    await sources.send_what_is_no_lead(stage)
    await sources.replace_a_key(stage)
    await leads.watch_delivery(stage)
    await credit_hold.hold_credit(stage)
    await queue.work_it(stage)
    await away.come_back(stage)
    await queue.watch_it_keep_itself(stage)
    await leads.price_what_is_held(stage)
    await leads.release_a_cap(stage)
    await returns.take_returns(stage)
    await duplicates.ask_twice(stage)
    await follow_ups.follow_up(stage)
    await follow_ups.escalate(stage)
    await invoices.close_the_month(stage)
    await returns.accept_after_issue(stage)
    await invoices.collect(stage)
    await returns.settle_credits(stage)
    await fairness.try_drafts(stage)
    await fairness.replay_decisions(stage)
    await erasure.erase_somebody(stage)


async def board_to_experts(stage: Stage) -> None:
    await boards.open_boards(stage)
    await boards.close_boards(stage)
    await boards.invoice_clients(stage)
    await boards.pay_experts(stage)
