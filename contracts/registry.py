"""Every event type there is, by its name on the wire."""

from collections.abc import Iterator
from types import ModuleType

from contracts import billing, books, identity, intake, notifications, payouts, routing, settlement
from contracts.envelope import Event

MODULES: tuple[ModuleType, ...] = (intake, routing, billing, settlement, books, payouts, notifications, identity)


def _declared(module: ModuleType) -> Iterator[type[Event]]:
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Event) and thing.__module__ == module.__name__:
            yield thing


EVENTS: dict[str, type[Event]] = {event.type: event for module in MODULES for event in _declared(module)}
