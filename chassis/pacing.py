"""How long to wait: before the next look for what nobody announces, and before the next try at what failed."""

from dataclasses import dataclass
from time import monotonic

SHARE = 0.1


class Pace:
    """The longer nothing came, the longer the next wait, within `least` and `most` seconds.

    Each is a tenth of the quiet so far: who comes after a quiet second waits a tenth of one at the most, and a resting
    process costs next to nothing.
    """

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._quiet_since = monotonic()

    def found(self) -> None:
        """There was something: the next look comes soon."""
        self._quiet_since = monotonic()

    def wait_seconds(self) -> float:
        return max(self._least, min(self._most, (monotonic() - self._quiet_since) * SHARE))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before trying again, in seconds; never more than ten tries a second."""

    first_seconds: float = 0.1
    longest_seconds: float = 5.0
    attempts: int = 5

    def delay(self, attempt: int) -> float:
        return float(min(self.longest_seconds, self.first_seconds * 2 ** max(0, attempt - 1)))
