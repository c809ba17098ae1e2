"""How often to look for what nobody announces: the longer nothing came, the longer the next wait.

Each wait is a tenth of the quiet so far. Whoever comes after a quiet second waits a tenth of one at the most, and a
resting process costs next to nothing.
"""

from time import monotonic

SHARE = 0.1


class Pace:
    """`least` and `most` bound the wait, in seconds."""

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._quiet_since = monotonic()

    def found(self) -> None:
        """There was something: the next look comes soon."""
        self._quiet_since = monotonic()

    def wait_seconds(self) -> float:
        return max(self._least, min(self._most, (monotonic() - self._quiet_since) * SHARE))
