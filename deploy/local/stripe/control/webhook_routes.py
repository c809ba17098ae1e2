"""`/_control/webhooks`: where events go, when, how often and in what order."""

from enum import StrEnum

from deploy.local.stripe.control.body import Body
from deploy.local.stripe.control.machine import Machine
from deploy.local.stripe.courier import Delivery, Endpoint
from deploy.local.stripe.errors import ApiError, Json, no_such
from deploy.local.stripe.settings import EndpointAddress


class Order(StrEnum):
    HAPPENED = "happened"
    REVERSE = "reverse"


def show(machine: Machine, body: Body) -> Json:
    body.end()
    courier = machine.world.courier
    endpoints = [_shown(endpoint) for endpoint in courier.endpoints.values()]
    return {**courier.state(), "endpoints": endpoints}


def add_endpoint(machine: Machine, body: Body) -> Json:
    url, secret = body.text("url"), body.text("secret")
    connect = body.flag("connect", default=False)
    enabled_events = body.texts("enabled_events", ["*"])
    body.end()
    if not secret or not url.startswith(("http://", "https://")):
        raise ApiError("an endpoint needs an http(s) url and a secret")
    address = EndpointAddress(url, secret, connect)
    return _shown(machine.world.courier.add(address, enabled_events, created=machine.world.now()))


def pause(machine: Machine, body: Body) -> Json:
    body.end()
    machine.world.courier.pause()
    return machine.world.courier.state()


def resume(machine: Machine, body: Body) -> Json:
    order = body.choice("order", Order, Order.HAPPENED)
    body.end()
    released = machine.world.courier.resume(backwards=order is Order.REVERSE)
    return {"released": released, **machine.world.courier.state()}


def duplicate(machine: Machine, body: Body) -> Json:
    copies = body.integer("copies")
    body.end()
    if copies < 1:
        raise ApiError("copies must be at least 1", param="copies")
    machine.world.courier.copies = copies
    return machine.world.courier.state()


def drop(machine: Machine, body: Body) -> Json:
    """Until `resume`, or for so many seconds."""
    seconds = body.seconds("seconds") if body.has("seconds") else None
    body.end()
    machine.world.courier.drop(seconds)
    return machine.world.courier.state()


def resend(machine: Machine, body: Body) -> Json:
    """To every endpoint that hears of the event, delivered before or not, as the dashboard's button does."""
    identifier, copies = body.text("event"), body.integer("copies", 1)
    body.end()
    event = machine.world.events.get(identifier)
    if event is None:
        raise no_such("event", identifier)
    courier = machine.world.courier
    hearing = [endpoint for endpoint in courier.endpoints.values() if endpoint.hears(event)]
    for endpoint in hearing:
        for _copy in range(copies):
            courier.send(Delivery(event, endpoint))
    return {"endpoints": len(hearing), "copies": copies}


def _shown(endpoint: Endpoint) -> Json:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "connect": endpoint.connect,
        "enabled_events": endpoint.enabled_events,
    }
