"""Where a job is, and where each of its rows."""

from enum import StrEnum


class JobState(StrEnum):
    PROPOSED = "proposed"
    RUNNING = "running"
    FINISHED = "finished"


class RowState(StrEnum):
    """`refused` by a rule at the time, `failed` for a fault of ours."""

    READY = "ready"
    BLOCKED = "blocked"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
