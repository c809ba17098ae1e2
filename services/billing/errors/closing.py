"""What is refused of a month as a whole."""

from collections.abc import Sequence
from uuid import UUID

from chassis.errors import FieldError, Invalid, NotFound, Refusal
from services.billing.domain.references import UnreadLine


class PeriodNotEnded(Refusal):
    code = "period_not_ended"
    title = "The period has not ended"


class MonthHasHeldDeliveries(Refusal):
    """A month closes whole: each delivery without a price is named."""

    code = "held_deliveries"
    title = "Deliveries of the period have no price"

    def __init__(self, period: str, held: Sequence[tuple[UUID, UUID]]) -> None:
        errors = tuple(
            FieldError(f"assignments.{assignment_id}", "no_price_plan", f"installer {installer_id} has no price for it")
            for assignment_id, installer_id in held
        )
        super().__init__(f"{len(held)} deliveries of {period} are held without a price", errors=errors, period=period)
        self.installer_ids = frozenset(installer_id for _, installer_id in held)


class MonthHasUnrecordedDeliveries(Refusal):
    """What was sent and could not be written down may be of the month: each parked event is named."""

    code = "deliveries_unrecorded"
    title = "Deliveries could not be recorded"

    def __init__(self, period: str, count: int, parked_event_ids: Sequence[UUID]) -> None:
        errors = tuple(
            FieldError(f"parked_events.{id_}", "deliveries_unrecorded", "Replay it, or discard it with a reason")
            for id_ in parked_event_ids
        )
        super().__init__(
            f"{count} deliveries that may be of {period} could not be recorded", errors=errors, period=period
        )


class MonthNotIssued(Refusal):
    code = "month_not_issued"
    title = "No invoice of the month is issued"


class InstallersUnknown(Invalid):
    """Whom the close of a month was said to be about: each that is nobody is named."""

    code = "installers_unknown"
    title = "No such installers"

    def __init__(self, installer_ids: Sequence[UUID]) -> None:
        errors = tuple(
            FieldError("installer_ids", "account_not_found", f"there is no account {id_}") for id_ in installer_ids
        )
        super().__init__(f"{len(installer_ids)} of the installers are unknown", errors=errors)


class ReferencesUnreadable(Invalid):
    """A list of Stripe references: every line that cannot be read is named."""

    code = "references_unreadable"
    title = "The list cannot be read"

    def __init__(self, unread: Sequence[UnreadLine]) -> None:
        errors = tuple(FieldError("references", each.code, each.message) for each in unread)
        super().__init__(f"{len(unread)} of its lines cannot be read; nothing was kept", errors=errors)


class ImportNotFound(NotFound):
    code = "reference_import_not_found"
    title = "No such list of references"


class ImportIsKept(Refusal):
    code = "reference_import_kept"
    title = "The list was kept already"


class CloseRunNotFound(NotFound):
    code = "close_run_not_found"
    title = "No such run"


class CloseRunIdTaken(Refusal):
    """An id stands for one run, however often it is asked for."""

    code = "close_run_id_taken"
    title = "The id is another run's"
