"""One application for many tests, one after the other.

To build an application takes longer than most tests of a route: Litestar reads some hundreds of signatures. So it is
built with stand-ins for what belongs to a test (its database, its clock), and lent to whoever needs one of the same
settings.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Litestar


class StandIn:
    """Whatever it is asked for, it asks of what it stands for at that moment."""

    stands_for: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stands_for, name)


class Lent:
    """Applications of one kind. `build` takes what `lend` is given, with stand-ins in the place of the test's own."""

    def __init__(self, build: Callable[..., Litestar]) -> None:
        self._build = build
        self._idle: dict[Hashable, list[tuple[dict[str, StandIn], Litestar]]] = {}

    @contextmanager
    def lend(self, own: dict[str, object], **settings: Any) -> Iterator[Litestar]:
        """To nobody else meanwhile. `own` is by the names of `build`'s arguments; None stays None."""
        kind = frozenset(name for name, thing in own.items() if thing is not None), frozenset(settings.items())
        idle = self._idle.setdefault(kind, [])
        stand_ins, app = idle.pop() if idle else ({name: StandIn() for name in kind[0]}, None)
        for name, stand_in in stand_ins.items():
            stand_in.stands_for = own[name]
        app = app or self._build(**{name: stand_ins.get(name) for name in own}, **settings)
        yield app
        idle.append((stand_ins, app))
