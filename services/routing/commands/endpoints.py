"""How an installer gets its leads: by which channel, to which address, signed by which secret; and its breaker."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from services.routing.commands.breakers import set_health
from services.routing.commands.publishing import keep_change, publish
from services.routing.domain.breaker import CLOSED
from services.routing.domain.delivering import DeliveryAction, obstacle_to
from services.routing.domain.signing import OVERLAP
from services.routing.domain.states import BreakerState, Channel
from services.routing.errors import BreakerNotOpen, EndpointRefused, NoWebhook
from services.routing.models import DeliveryEndpoint, Installer, WebhookTest
from services.routing.queries import installers


@dataclass(frozen=True, slots=True)
class SetChannel:
    """`url` is the webhook's, which the guard has let through; None leaves the one that it has."""

    installer_id: UUID
    channel: Channel
    url: str | None
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True)
class ChannelSet:
    """`shows_secret` where the webhook is new: then its secret is shown, this once."""

    endpoint: DeliveryEndpoint
    shows_secret: bool


async def set_channel(session: AsyncSession, command: SetChannel, now: datetime) -> ChannelSet:
    """From the next lead on; what is on its way stays on its channel. Another address has its breaker closed."""
    installer = await installers.locked(session, command.installer_id)
    endpoint = await _locked(session, installer.id, command.channel)
    before = {"channel": installer.channel, "url": endpoint.url if endpoint else None}
    is_new = endpoint is None
    if endpoint is None:
        endpoint = _new(installer, command)
        session.add(endpoint)
    elif command.url is not None and command.url != endpoint.url:
        endpoint.url, endpoint.tested_at = command.url, None
        set_health(session, endpoint, CLOSED, now, by=command.by)
    after = {"channel": command.channel, "url": endpoint.url}
    if after == before:
        return ChannelSet(endpoint, shows_secret=False)
    installer.channel = command.channel
    await publish(session, installer, now, "channel")
    await keep_change(session, command.by, "set_channel", installer, before=before, after=after, reason=command.reason)
    return ChannelSet(endpoint, shows_secret=is_new and command.channel is Channel.WEBHOOK)


def _new(installer: Installer, command: SetChannel) -> DeliveryEndpoint:
    if command.channel is Channel.WEBHOOK and command.url is None:
        raise EndpointRefused("it has no webhook yet: an address is needed", why="not_a_url")
    url = command.url if command.channel is Channel.WEBHOOK else None
    return DeliveryEndpoint(installer_id=installer.id, channel=command.channel, url=url, secret_generation=1)


@dataclass(frozen=True, slots=True)
class RotateSecret:
    installer_id: UUID
    reason: str
    by: Actor


async def rotate_secret(session: AsyncSession, command: RotateSecret, now: datetime) -> DeliveryEndpoint:
    """Both sign for a while, so that the installer can change over; of more than two none does."""
    installer = await installers.locked(session, command.installer_id)
    endpoint = await _webhook(session, installer.id)
    before = {"secret_generation": endpoint.secret_generation}
    endpoint.secret_generation += 1
    endpoint.previous_secret_until = now + OVERLAP
    after = {"secret_generation": endpoint.secret_generation}
    await keep_change(
        session, command.by, "rotate_webhook_secret", installer, before=before, after=after, reason=command.reason
    )
    return endpoint


@dataclass(frozen=True, slots=True)
class CloseBreaker:
    installer_id: UUID
    channel: Channel
    reason: str
    by: Actor


async def close_breaker(session: AsyncSession, command: CloseBreaker, now: datetime) -> DeliveryEndpoint:
    """By an operator who knows that it works again: what waits is sent from now on."""
    installer = await installers.locked(session, command.installer_id)
    endpoint = await _locked(session, installer.id, command.channel)
    breaker = endpoint.breaker if endpoint is not None else None
    obstacle = obstacle_to(DeliveryAction.CLOSE_BREAKER, has_webhook=True, breaker=breaker)
    if endpoint is None or obstacle:
        raise BreakerNotOpen(obstacle or "", installer_id=installer.id)
    what = f"{endpoint.channel}_breaker"
    before = {what: endpoint.breaker}
    set_health(session, endpoint, CLOSED, now, by=command.by)
    after = {what: BreakerState.CLOSED}
    await keep_change(
        session, command.by, "close_breaker", installer, before=before, after=after, reason=command.reason
    )
    return endpoint


@dataclass(frozen=True, slots=True)
class AskForTest:
    installer_id: UUID
    test_id: UUID
    by: Actor
    reason: str | None = None


async def ask_for_test(session: AsyncSession, command: AskForTest, now: datetime) -> WebhookTest:
    """A worker sends it: who serves pages is not let out to the internet."""
    installer = await installers.get(session, command.installer_id)
    endpoint = await _webhook(session, installer.id)
    test = WebhookTest(id=command.test_id, installer_id=installer.id, asked_by=command.by.name, asked_at=now)
    session.add(test)
    # Somebody else's server hears from us: where, and who wanted it, is on record.
    after = {"test_id": test.id, "url": endpoint.url}
    await keep_change(session, command.by, "test_webhook", installer, after=after, reason=command.reason)
    return test


async def _webhook(session: AsyncSession, installer_id: UUID) -> DeliveryEndpoint:
    endpoint = await _locked(session, installer_id, Channel.WEBHOOK)
    obstacle = obstacle_to(DeliveryAction.TEST, has_webhook=endpoint is not None, breaker=None)
    if endpoint is None or obstacle:
        raise NoWebhook(obstacle or "", installer_id=installer_id)
    return endpoint


async def _locked(session: AsyncSession, installer_id: UUID, channel: Channel) -> DeliveryEndpoint | None:
    found: DeliveryEndpoint | None = await session.scalar(
        select(DeliveryEndpoint)
        .where(DeliveryEndpoint.installer_id == installer_id, DeliveryEndpoint.channel == channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found
