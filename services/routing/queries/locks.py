"""How commands lock: dispatches before assignments before cap counters, each in id order: nobody waits in a circle.

One transaction can be several commands, as the events of a batch are of several types: a command after the first one
would ask for dispatches with counters in its hands. It does not wait for them. What it does not get at once is a fault
that passes, and the whole batch is tried again.
"""

from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

_HOLDS_COUNTERS = "routing.holds_counters"


class RowLock(TypedDict):
    """As SQLAlchemy's `with_for_update` takes it. Key share: others may refer to the row meanwhile."""

    key_share: bool
    nowait: bool


def row_lock(session: AsyncSession, *, key_share: bool = True) -> RowLock:
    """Waits for its turn, unless the transaction holds counters already."""
    return RowLock(key_share=key_share, nowait=bool(session.info.get(_HOLDS_COUNTERS)))


def note_counters_held(session: AsyncSession) -> None:
    """From now on until the session ends; a session is one transaction."""
    session.info[_HOLDS_COUNTERS] = True
