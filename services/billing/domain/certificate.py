"""The certificate of the books: what each named equality came to in one snapshot, and the text that is signed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

MOST_OFFENDERS = 100
"""Of an equality that does not hold so many rows are kept, the furthest apart first; all are counted."""
COMPARED_WITHIN = timedelta(days=1)
"""How long ago the comparison with Stripe may have begun that a certificate judges: the night before's is too old."""


class Unit(StrEnum):
    CENTS = "cents"
    COUNT = "count"


class Outcome(StrEnum):
    HOLDS = "holds"
    FAILS = "fails"
    NOT_COMPARED = "not_compared"


class SignatureState(StrEnum):
    """`other_key`: signed by a key that is not this deployment's, so that nothing can be said of it here."""

    VALID = "valid"
    UNSIGNED = "unsigned"
    ALTERED = "altered"
    OTHER_KEY = "other_key"


@dataclass(frozen=True, slots=True)
class Offender:
    """A row whose two sides differ; None is a side on which it is missing."""

    key: str
    left: int | None
    right: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both sides summed over all rows that were compared. Sums alone can agree by chance: each row has to."""

    name: str
    unit: Unit
    left: int
    right: int
    compared_count: int
    offender_count: int
    offenders: tuple[Offender, ...] = ()
    is_compared: bool = True

    @property
    def outcome(self) -> Outcome:
        if not self.is_compared:
            return Outcome.NOT_COMPARED
        return Outcome.FAILS if self.offender_count or self.left != self.right else Outcome.HOLDS


def failed(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    return tuple(verdict.name for verdict in verdicts if verdict.outcome is Outcome.FAILS)


@dataclass(frozen=True, slots=True)
class Statement:
    """All that a certificate says. `taken_by_name` is an operator, or the schedule."""

    certificate_id: UUID
    as_of: datetime
    taken_at: datetime
    taken_by_name: str
    verdicts: tuple[Verdict, ...]

    @property
    def text(self) -> bytes:
        """One spelling for one content: sorted keys, no blanks, instants in UTC."""
        said = asdict(self) | {
            "certificate_id": str(self.certificate_id),
            "as_of": _instant(self.as_of),
            "taken_at": _instant(self.taken_at),
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def sha256(self) -> str:
        return sha256(self.text).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
