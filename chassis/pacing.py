"""How long to wait: before the next look for what nobody announces, and before the next try at what failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

SHARE = 0.1


class Pace:
    """When to look: at once where something was announced or was left behind, else after a wait.

    The longer nothing came unannounced, the longer that wait, within `least` and `most` seconds: a tenth of the quiet
    so far. Who comes unannounced after a quiet second waits a tenth of one at the most; where all is announced, and
    where nothing happens, looking costs next to nothing.
    """

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._quiet_since = self._next_at = monotonic()
        self._is_expected = True

    def announce(self) -> None:
        """There is something to be found."""
        self._is_expected = True

    @property
    def is_due(self) -> bool:
        return self._is_expected or monotonic() >= self._next_at

    @contextmanager
    def look(self) -> Iterator["Look"]:
        """Around a look; what is announced meanwhile may have come too late for it. One that fails did not happen."""
        was_expected, self._is_expected = self._is_expected, False
        look = Look()
        try:
            yield look
        except BaseException:
            self._is_expected = True
            raise
        now = monotonic()
        if look.found and not was_expected:
            self._quiet_since = now
        self._is_expected |= look.left_some
        self._next_at = now + max(self._least, min(self._most, (now - self._quiet_since) * SHARE))

    def wait_seconds(self) -> float:
        """Until the next look is due."""
        return 0.0 if self._is_expected else max(0.0, self._next_at - monotonic())


@dataclass(slots=True)
class Look:
    """What came of it."""

    found: bool = False
    left_some: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before trying again, in seconds; never more than ten tries a second."""

    first_seconds: float = 0.1
    longest_seconds: float = 5.0
    attempts: int = 5

    def delay(self, attempt: int) -> float:
        return float(min(self.longest_seconds, self.first_seconds * 2 ** max(0, attempt - 1)))
