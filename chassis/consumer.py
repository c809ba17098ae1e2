"""What a service says of a topic that it consumes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.envelope import Event, Incoming
from contracts.topics import Topic

Handler = Callable[[AsyncSession, list[Incoming[Any]]], Awaitable[None]]
LastResort = Callable[[AsyncSession, Incoming[Any], Exception], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """One topic of one service: which events it takes and which handler takes a list of each.

    `last_resorts` is what to do, instead of parking it, with an event at which its handler failed at every try: for
    events whose failure belongs before other eyes than those of who repairs the system.
    """

    topic: Topic
    handlers: Mapping[type[Event], Handler]
    last_resorts: Mapping[type[Event], LastResort] = field(default_factory=dict)

    def by_type(self) -> dict[str, Handler]:
        return {event.type: handler for event, handler in self.handlers.items()}
