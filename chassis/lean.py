"""Imported before all else by a process that serves: what it spares while it starts.

The collector looks seldom: what is imported and assembled stays, and walking over it took a sixth of a start.
What libraries take in only because it is installed is not there for them: structlog paints tracebacks with rich where
there is one, and Stripe's SDK takes in requests beside the client that it is told to use. Neither is used so, and each
costs every process some four megabytes.
"""

import sys

from chassis.collecting import look_seldom

UNUSED = ("rich", "requests")

look_seldom()

for name in UNUSED:
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # the import system's own sign of what is not there


def let_in() -> None:
    """All is imported that is imported at the start: whoever asks for one of them from now on means it."""
    for name in UNUSED:
        if sys.modules.get(name, name) is None:
            del sys.modules[name]
