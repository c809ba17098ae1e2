"""What the forms about an installer's delivery do: one command each, unless somebody was faster."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Operator
from services.routing.commands import endpoints as commands
from services.routing.commands.endpoints import CloseBreaker, RotateSecret, SetChannel
from services.routing.domain.delivering import DeliveryAction
from services.routing.domain.states import Channel
from services.routing.http.delivery import keys_of, refuse_endpoint, send_test
from services.routing.http.delivery_views import Url
from services.routing.http.fields import Note, Why
from services.routing.models import Installer
from services.routing.pages.installer_deeds import WRITE
from services.routing.pages.installer_forms import SeenForm
from services.routing.pages.installers import ROOM
from services.routing.pages.telling import INSTALLERS as PATH
from services.routing.queries import installers
from services.routing.webhook_gateway import WebhookGateway

ONE = PATH + "/{installer_id:uuid}"


class ChannelForm(SeenForm):
    """What stands in `url` is left alone where leads go by mail."""

    channel: Channel
    url: Url | None = None
    reason: Note


class RotateForm(SeenForm):
    reason: Note


class BreakerForm(SeenForm):
    channel: Channel
    reason: Note


class TestForm(Why, Form):
    """As the JSON route takes it."""


@form_at(f"{ONE}/channel", WRITE, step_up=True)
async def set_channel_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[ChannelForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    gateway: Given[WebhookGateway],
) -> Response[str] | Redirect:
    is_webhook = data.channel is Channel.WEBHOOK
    keys = keys_of(gateway) if is_webhook else None
    url = data.url if is_webhook else None
    await refuse_endpoint(gateway, url)
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("installer", installer_id), data.seen)
        command = SetChannel(installer_id, data.channel, url, data.reason, operator)
        done = await commands.set_channel(session, command, clock.now())
        installer = await installers.get(session, installer_id)
    if keys is None or not done.shows_secret:
        return _back(console, installer_id, DeliveryAction.SET_CHANNEL)
    return _show_secret(console, request, installer, keys.told(installer_id, done.endpoint.secret_generation))


@form_at(f"{ONE}/webhook-secret", WRITE, step_up=True)
async def rotate_secret_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[RotateForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    gateway: Given[WebhookGateway],
) -> Response[str]:
    keys = keys_of(gateway)
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("installer", installer_id), data.seen)
        command = RotateSecret(installer_id, data.reason, operator)
        endpoint = await commands.rotate_secret(session, command, clock.now())
        installer = await installers.get(session, installer_id)
    return _show_secret(console, request, installer, keys.told(installer_id, endpoint.secret_generation))


@form_at(f"{ONE}/webhook-test", WRITE)
async def send_test_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[TestForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    gateway: Given[WebhookGateway],
) -> Redirect:
    await send_test.fn(installer_id, database, clock, operator, gateway, data)
    return _back(console, installer_id, DeliveryAction.TEST)


@form_at(f"{ONE}/breaker", WRITE)
async def close_breaker_by_form(
    installer_id: FromPath[UUID],
    data: JSONBody[BreakerForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("installer", installer_id), data.seen)
        command = CloseBreaker(installer_id, data.channel, data.reason, operator)
        await commands.close_breaker(session, command, clock.now())
    return _back(console, installer_id, DeliveryAction.CLOSE_BREAKER)


def _back(console: Console, installer_id: UUID, done: DeliveryAction) -> Redirect:
    return console.redirect(f"{PATH}/{installer_id}?done={done}")


def _show_secret(console: Console, request: Request[Any, Any, Any], installer: Installer, secret: str) -> Response[str]:
    """In this answer alone, which no cache keeps: a redirect would have to carry it."""
    context = {"secret": secret, "installer": installer, "path": f"{PATH}/{installer.id}"}
    return console.page(request, "secret.html", context, room=ROOM)


ROUTES = (set_channel_by_form, rotate_secret_by_form, send_test_by_form, close_breaker_by_form)
