"""`/v1/webhook_endpoints`: the secret is told once, when the endpoint is made."""

from deploy.local.stripe import PINNED_API_VERSION
from deploy.local.stripe.courier import Endpoint, new_secret
from deploy.local.stripe.errors import Json, no_such
from deploy.local.stripe.listing import PAGING, page
from deploy.local.stripe.params import Shape, flag, list_of, metadata, one_of, required, text
from deploy.local.stripe.routing import Route
from deploy.local.stripe.settings import EndpointAddress
from deploy.local.stripe.tables import Sequence
from deploy.local.stripe.world import Call, refuse

_CREATE: Shape = {
    "api_version": one_of(PINNED_API_VERSION),
    "connect": flag(),
    "description": text(clearable=True),
    "enabled_events": required(list_of(text())),
    "metadata": metadata(),
    "url": required(text()),
}


def create(call: Call) -> Json:
    given = call.params
    if not given["url"].startswith(("http://", "https://")):
        raise refuse(f"Invalid URL: {given['url']}", code="url_invalid", param="url")
    address = EndpointAddress(given["url"], new_secret(), connect=given.get("connect", False))
    endpoint = call.world.courier.add(address, given["enabled_events"], created=call.now)
    endpoint.description = given.get("description")
    endpoint.metadata = given.get("metadata", {})
    return {**_shown(endpoint), "secret": endpoint.secret}


def retrieve(call: Call) -> Json:
    return _shown(_endpoint(call))


def delete(call: Call) -> Json:
    endpoint = _endpoint(call)
    call.world.courier.remove(endpoint.id)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def list_all(call: Call) -> Json:
    newest_first = list(call.world.courier.endpoints.values())[::-1]
    return page(call, Sequence([_shown(endpoint) for endpoint in newest_first]), "/v1/webhook_endpoints")


def _endpoint(call: Call) -> Endpoint:
    endpoint = call.world.courier.endpoints.get(call.path["id"])
    if endpoint is None:
        raise no_such("webhook endpoint", call.path["id"])
    return endpoint


def _shown(endpoint: Endpoint) -> Json:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": PINNED_API_VERSION,
        "application": None,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": endpoint.enabled_events,
        "livemode": False,
        "metadata": endpoint.metadata,
        "status": "enabled",
        "url": endpoint.url,
    }


ROUTES = [
    Route("POST", "/v1/webhook_endpoints", create, _CREATE),
    Route("GET", "/v1/webhook_endpoints/{id}", retrieve),
    Route("DELETE", "/v1/webhook_endpoints/{id}", delete),
    Route("GET", "/v1/webhook_endpoints", list_all, PAGING),
]
