"""Every event that happened, for `/v1/events` and for the courier that carries them to the endpoints."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from deploy.local.stripe import PINNED_API_VERSION
from deploy.local.stripe.errors import Json
from deploy.local.stripe.tables import new_id

KEPT_SECONDS = 30 * 24 * 3600
"""Stripe answers for events of the last 30 days only."""


@dataclass(slots=True)
class Event:
    """The object it tells of is kept as JSON text: a snapshot of that instant, and small."""

    id: str
    type: str
    created: int
    account: str | None
    request: Json
    data: str
    undelivered: set[str] = field(default_factory=set)
    """Endpoints that have not answered 2xx, whether still tried or given up."""

    @property
    def is_delivered(self) -> bool:
        return not self.undelivered

    def as_text(self) -> str:
        head: Json = {
            "id": self.id,
            "object": "event",
            "api_version": PINNED_API_VERSION,
            "created": self.created,
            "livemode": False,
            "pending_webhooks": len(self.undelivered),
            "request": self.request,
            "type": self.type,
        }
        if self.account is not None:
            head["account"] = self.account
        return f'{json.dumps(head)[:-1]}, "data": {self.data}}}'

    def as_json(self) -> Json:
        shown: Json = json.loads(self.as_text())
        return shown


class EventLog:
    def __init__(self, carry: Callable[[Event], None]) -> None:
        self._events: dict[str, Event] = {}
        self._carry = carry

    def clear(self) -> None:
        self._events.clear()

    def record(
        self, type_: str, shown: Json, *, created: int, previous: Json | None, account: str | None, request: Json
    ) -> None:
        content: Json = {"object": shown}
        if previous is not None:
            content["previous_attributes"] = previous
        event = Event(new_id("event"), type_, created, account, request, json.dumps(content))
        self._events[event.id] = event
        self._carry(event)

    def get(self, identifier: str) -> Event | None:
        return self._events.get(identifier)

    def newest_first(self) -> Iterator[Event]:
        return reversed(self._events.values())

    def oldest_first(self) -> Iterator[Event]:
        return iter(self._events.values())

    def forget_before(self, created: int) -> None:
        """Events are in order of time, so only the head can be too old."""
        old = takewhile(lambda event: event.created < created, self._events.values())
        for event in list(old):
            del self._events[event.id]

    def __len__(self) -> int:
        return len(self._events)
