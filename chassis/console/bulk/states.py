"""Where a job is, and where each of its rows."""

from collections.abc import Mapping
from enum import StrEnum


class JobState(StrEnum):
    """`previewed`: its form is filled in and kept, and what it would change in each row was looked at."""

    PROPOSED = "proposed"
    PREVIEWED = "previewed"
    RUNNING = "running"
    FINISHED = "finished"

    @property
    def is_open(self) -> bool:
        """Nothing is done yet, and nobody has confirmed it."""
        return self in {JobState.PROPOSED, JobState.PREVIEWED}


class RowState(StrEnum):
    """`refused` by a rule at the time, `failed` for a fault of ours."""

    READY = "ready"
    BLOCKED = "blocked"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


ROW_STATES: Mapping[str, str] = {
    RowState.READY: "To come",
    RowState.BLOCKED: "Could not be done",
    RowState.DONE: "Done",
    RowState.REFUSED: "Refused",
    RowState.FAILED: "Failed",
}
"""As the pages say them."""
