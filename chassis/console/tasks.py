"""A guided task as its room declares it: steps whose state is told by what is there, never by where somebody was."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """`state` says where it stands, as "3 wait for a price"; without a `path` it cannot be gone to yet."""

    title: str
    state: str
    path: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """What task.html takes as `task`; a room's own page extends it and fills the block `step`."""

    title: str
    steps: Sequence[Step]
    total: str = ""
    links: Sequence[tuple[str, str]] = ()
