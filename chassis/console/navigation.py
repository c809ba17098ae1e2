"""What the shell says of the rooms that somebody may enter: drawn once for all who may enter the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from chassis.console.rooms import GROUPS, SERVICE_TITLES, Group

TEMPLATE = "navigation.html"

Capabilities = frozenset[str]


@dataclass(frozen=True, slots=True)
class Drawn:
    services: Sequence[str]
    rail: Markup
    keys: Markup
    counts: Markup
    """Where the numbers of what waits come from."""
    finds: Markup
    """Where the palette looks."""


class Navigation:
    """A few roles and some thirty rooms: what is kept stays small."""

    def __init__(self, templates: Environment, *, is_local: bool) -> None:
        self._templates = templates
        self._is_local = is_local
        self.drawn = lru_cache(maxsize=512)(self._draw)

    def _draw(self, capabilities: Capabilities | None, room: str) -> Drawn:
        """`capabilities` is None for who is not signed in; `room` is the one that is marked."""
        groups = [] if capabilities is None else self._groups(capabilities)
        macros: Any = self._templates.get_template(TEMPLATE).module
        services = _services(groups)
        return Drawn(
            services=services,
            rail=macros.rail(groups, room),
            keys=macros.keys(groups),
            counts=macros.counts(services),
            finds=macros.finds(services),
        )

    def _groups(self, capabilities: Capabilities) -> list[Group]:
        shown = [
            Group(
                group.title,
                tuple(
                    room
                    for room in group.rooms
                    if (room.capability is None or room.capability in capabilities)
                    and (self._is_local or not room.is_local)
                ),
            )
            for group in GROUPS
        ]
        return [group for group in shown if group.rooms]


def _services(groups: Sequence[Group]) -> list[str]:
    """Those that have a room to enter, in the order of the day's work: the others have nothing to show."""
    entered = {room.service for group in groups for room in group.rooms}
    return [service for service in SERVICE_TITLES if service in entered]
