"""What is refused about receivables: snapshots, promises, owners, statements."""

from http import HTTPStatus

from chassis.errors import Invalid, NotFound, Refusal


class SnapshotNotFound(NotFound):
    code = "snapshot_not_found"
    title = "No such snapshot"


class SnapshotIdTaken(Refusal):
    code = "snapshot_id_taken"
    title = "The id stands for another snapshot"


class SnapshotInTheFuture(Invalid):
    code = "snapshot_in_the_future"
    title = "Not an instant that is over"


class PromiseNotFound(NotFound):
    code = "promise_not_found"
    title = "No such promise"


class PromiseIdTaken(Refusal):
    code = "promise_id_taken"
    title = "The id stands for another promise"


class PromiseOpen(Refusal):
    code = "promise_open"
    title = "A promise is open"


class PromiseEnded(Refusal):
    code = "promise_ended"
    title = "The promise has ended"


class NothingOwed(Refusal):
    code = "nothing_owed"
    title = "Nothing is owed"


class PromiseExceedsBalance(Invalid):
    code = "promise_exceeds_balance"
    title = "More than is owed"


class PromisedForThePast(Invalid):
    code = "promised_for_the_past"
    title = "A day that is over"


class PromisedTooLate(Invalid):
    code = "promised_too_late"
    title = "A day that is too far off"


class OwnerUnknown(Invalid):
    code = "owner_unknown"
    title = "Nobody who can see to it"


class StatementDaysInvalid(Invalid):
    code = "statement_days_invalid"
    title = "Not days that a statement can be of"


class StatementIdTaken(Refusal):
    code = "statement_id_taken"
    title = "The id stands for another statement"


class StatementNotFound(NotFound):
    code = "statement_not_found"
    title = "No such statement"


class StatementTooLong(Refusal):
    code = "statement_too_long"
    title = "Too many entries for one statement"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
