"""Imported before all else by a process that serves: what libraries take in only because it is installed.

structlog paints tracebacks with rich where there is one, and Stripe's SDK takes in requests beside the client that it
is told to use. Neither is used so, and each costs every process some four megabytes.
"""

import sys

UNUSED = ("rich", "requests")

for name in UNUSED:
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # the import system's own sign of what is not there


def let_in() -> None:
    """All is imported that is imported at the start: whoever asks for one of them from now on means it."""
    for name in UNUSED:
        if sys.modules.get(name, name) is None:
            del sys.modules[name]
