"""A month on its way to being billed: where each installer stands in it, and what is unlike its former months."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from services.billing.domain.statuses import DocumentStatus

FORMER_MONTHS = 6
FAR = 2
"""So many times its usual month, or one part of so many, is unlike it."""


class CloseStep(StrEnum):
    """The steps of a month's close, in their order: each is ticked by who has done it."""

    MONTH = "month"
    HELD = "held"
    UNRECORDED = "unrecorded"
    RETURNS = "returns"
    PREVIEW = "preview"
    DRAFTS = "drafts"
    REVIEW = "review"
    EXPORT = "export"
    REFERENCES = "references"
    ISSUE = "issue"
    ISSUED = "issued"
    SNAPSHOT = "snapshot"
    RECONCILE = "reconcile"


class DraftState(StrEnum):
    """Where an installer stands in a month; those that need somebody come first."""

    LATE = "late"
    STALE = "stale"
    TO_DRAFT = "to_draft"
    DRAFTED = "drafted"
    ISSUED = "issued"


def draft_state(unbilled_count: int, document_status: DocumentStatus | None) -> DraftState:
    if document_status is None:
        return DraftState.TO_DRAFT
    if document_status is DocumentStatus.DRAFT:
        return DraftState.STALE if unbilled_count else DraftState.DRAFTED
    return DraftState.LATE if unbilled_count else DraftState.ISSUED


class Outlier(StrEnum):
    NOTHING_NOW = "nothing_now"
    FAR_MORE = "far_more"
    FAR_LESS = "far_less"
    FIRST_MONTH = "first_month"


def usual_of(former_cents: Sequence[int]) -> int:
    """The median of the months that were billed; 0 where there is none."""
    return round(median(former_cents)) if former_cents else 0


def outlier_of(cents: int, former_cents: Sequence[int]) -> Outlier | None:
    usual = usual_of(former_cents)
    if not usual:
        return Outlier.FIRST_MONTH if cents else None
    if not cents:
        return Outlier.NOTHING_NOW
    if cents >= FAR * usual:
        return Outlier.FAR_MORE
    return Outlier.FAR_LESS if cents * FAR <= usual else None


class DraftingObstacle(StrEnum):
    """Why a month cannot be drafted, as a sentence goes on after it."""

    NOT_ENDED = "the month has not ended"
    HELD = "deliveries of it have no price"
    UNRECORDED = "deliveries that may be of it could not be recorded"


def obstacle_to_drafting(*, has_ended: bool, held_count: int, unrecorded_count: int = 0) -> DraftingObstacle | None:
    if not has_ended:
        return DraftingObstacle.NOT_ENDED
    if unrecorded_count:
        return DraftingObstacle.UNRECORDED
    return DraftingObstacle.HELD if held_count else None
