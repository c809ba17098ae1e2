"""How installers get their leads, over HTTP."""

from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, Operator, requires
from chassis.http.caching import NO_STORE
from chassis.ids import new_id
from chassis.outbound import Refused
from contracts.identity import Capability
from services.routing.commands import endpoints as commands
from services.routing.commands.endpoints import AskForTest, CloseBreaker, RotateSecret, SetChannel
from services.routing.domain.signing import Keys
from services.routing.domain.states import Channel
from services.routing.errors import EndpointRefused, WebhooksNotSetUp
from services.routing.http.delivery_views import (
    ChannelBody,
    CloseBreakerBody,
    DeliverySet,
    DeliveryView,
    RotateSecretBody,
    TestView,
)
from services.routing.http.fields import Why
from services.routing.queries import installers, sending
from services.routing.webhook_gateway import WebhookGateway

WRITE = Capability.WRITE_ROUTING
PATH = "/admin/installers/{installer_id:uuid}/delivery"
TOLD = {
    "not_a_url": "it is no address of a webhook: no spaces, no user name, no fragment, and no letters beyond ASCII",
    "not_https": "it does not begin with https://",
    "port": "its port is neither 443 nor 8443",
    "private_address": "its host is not on the open internet",
    "unresolvable": "its host has no address",
}


@get(PATH, guards=[requires(Capability.READ_OPS)])
async def get_delivery(installer_id: FromPath[UUID], database: Given[Database]) -> DeliveryView:
    async with database.reading() as session:
        return await view_of(session, installer_id)


@put(PATH, guards=[requires(WRITE, step_up=True)])
async def set_delivery(
    installer_id: FromPath[UUID],
    data: JSONBody[ChannelBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    gateway: Given[WebhookGateway],
) -> Response[DeliverySet]:
    """From the next lead on. The secret of a new webhook is in this answer, and in no other."""
    keys = keys_of(gateway) if data.channel is Channel.WEBHOOK else None
    await refuse_endpoint(gateway, data.url)
    command = SetChannel(installer_id, data.channel, data.url, data.reason, operator)
    async with database.transaction() as session:
        done = await commands.set_channel(session, command, clock.now())
        await session.flush()
        view = await view_of(session, installer_id)
    generation = done.endpoint.secret_generation
    secret = keys.told(installer_id, generation) if keys is not None and done.shows_secret else None
    return Response(DeliverySet(**view.model_dump(), secret=secret), headers=NO_STORE)


@post(PATH + "/rotate-secret", guards=[requires(WRITE, step_up=True)], status_code=200)
async def rotate_webhook_secret(
    installer_id: FromPath[UUID],
    data: JSONBody[RotateSecretBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    gateway: Given[WebhookGateway],
) -> Response[DeliverySet]:
    """A new secret, in this answer and in no other; the one before signs besides for 24 hours."""
    keys = keys_of(gateway)
    async with database.transaction() as session:
        command = RotateSecret(installer_id, data.reason, operator)
        endpoint = await commands.rotate_secret(session, command, clock.now())
        await session.flush()
        view = await view_of(session, installer_id)
    secret = keys.told(installer_id, endpoint.secret_generation)
    return Response(DeliverySet(**view.model_dump(), secret=secret), headers=NO_STORE)


@post(PATH + "/test", guards=[requires(WRITE)], status_code=202)
async def send_test(
    installer_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    gateway: Given[WebhookGateway],
    data: JSONBody[Why | None] = None,
) -> TestView:
    """A `webhook.test` of no lead is on its way; what came of it is told with the installer's delivery."""
    keys_of(gateway)
    command = AskForTest(installer_id, new_id(), operator, data.reason if data else None)
    async with database.transaction() as session:
        return TestView.of(await commands.ask_for_test(session, command, clock.now()))


@post(PATH + "/close-breaker", guards=[requires(WRITE)], status_code=200)
async def close_breaker(
    installer_id: FromPath[UUID],
    data: JSONBody[CloseBreakerBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> DeliveryView:
    """What waits is delivered from now on, and new leads are given again."""
    async with database.transaction() as session:
        command = CloseBreaker(installer_id, data.channel, data.reason, operator)
        await commands.close_breaker(session, command, clock.now())
        await session.flush()
        return await view_of(session, installer_id)


async def refuse_endpoint(gateway: WebhookGateway, url: str | None) -> None:
    """Before any transaction: a name is resolved here, which can take its time."""
    if url is None:
        return
    try:
        await gateway.guard.check(url)
    except Refused as refused:
        raise EndpointRefused(TOLD[refused.why], why=refused.why) from None


def keys_of(gateway: WebhookGateway) -> Keys:
    if gateway.keys is None:
        raise WebhooksNotSetUp("ROUTING_KEY_SECRET is not set")
    return gateway.keys


async def view_of(session: AsyncSession, installer_id: UUID) -> DeliveryView:
    return DeliveryView.of(
        await installers.get(session, installer_id),
        await sending.endpoints_of(session, installer_id),
        await sending.pending_of(session, installer_id),
        await sending.last_test_of(session, installer_id),
    )


ROUTES = (get_delivery, set_delivery, rotate_webhook_secret, send_test, close_breaker)
