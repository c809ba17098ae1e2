"""`/v1/events`: what happened in the last 30 days, delivered or not."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import dropwhile, islice

from deploy.local.stripe.errors import Json, no_such
from deploy.local.stripe.event_log import KEPT_SECONDS, Event
from deploy.local.stripe.listing import BY_TIME, within
from deploy.local.stripe.params import Shape, flag, list_of, text
from deploy.local.stripe.routing import Route
from deploy.local.stripe.world import Call, refuse

_LIST: Shape = {**BY_TIME, "delivery_success": flag(), "type": text(), "types": list_of(text())}
_MOST_TYPES = 20


def retrieve(call: Call) -> Json:
    event = call.world.events.get(call.path["id"])
    if event is None or not _is_visible(call, event):
        raise no_such("event", call.path["id"])
    return event.as_json()


def list_all(call: Call) -> Json:
    if "type" in call.params and "types" in call.params:
        raise refuse("You may only specify one of these parameters: type, types.", param="types")
    if len(call.params.get("types", [])) > _MOST_TYPES:
        raise refuse(f"You may only specify up to {_MOST_TYPES} types.", param="types")
    limit = call.params.get("limit", 10)
    backwards = "ending_before" in call.params
    found = list(islice(_candidates(call, backwards=backwards), limit + 1))
    shown = [event.as_json() for event in found[:limit]]
    return {
        "object": "list",
        "data": shown[::-1] if backwards else shown,
        "has_more": len(found) > limit,
        "url": "/v1/events",
    }


def _candidates(call: Call, *, backwards: bool) -> Iterator[Event]:
    events = call.world.events.oldest_first() if backwards else call.world.events.newest_first()
    name = "ending_before" if backwards else "starting_after"
    if name in call.params:
        cursor = call.params[name]
        if call.world.events.get(cursor) is None:
            raise no_such("event", cursor, param=name)
        events = islice(dropwhile(lambda event: event.id != cursor, events), 1, None)
    return (event for event in events if _is_visible(call, event) and _is_wanted(event, call.params))


def _is_visible(call: Call, event: Event) -> bool:
    """The platform's own, or with `Stripe-Account` that account's; not older than 30 days."""
    return event.account == call.account and event.created > call.now - KEPT_SECONDS


def _is_wanted(event: Event, params: Json) -> bool:
    if params.get("delivery_success", event.is_delivered) != event.is_delivered:
        return False
    if "type" in params and not fnmatchcase(event.type, params["type"]):
        return False
    if "types" in params and event.type not in params["types"]:
        return False
    return within(event.created, params.get("created", {}))


ROUTES = [
    Route("GET", "/v1/events/{id}", retrieve),
    Route("GET", "/v1/events", list_all, _LIST),
]
