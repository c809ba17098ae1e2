"""What a lead source's page says of its keys, and of what it has tried out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from markupsafe import Markup

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Table, Told
from services.intake.domain import Obstacle
from services.intake.models import LeadSource, LeadSourceKey, TestSubmission


def keys_of(source: LeadSource, keys: Sequence[LeadSourceKey]) -> Table:
    return Table(
        "Keys",
        (("Begins with", Kind.ID), ("Made", Kind.INSTANT), ("Last used", Kind.AGO), ("Works until", Kind.INSTANT)),
        [
            (
                Shown(key.begins, Kind.ID),
                Shown(key.created_at, Kind.INSTANT),
                Shown(key.last_used_at, Kind.AGO),
                _works_until(source, key),
            )
            for key in reversed(keys)
        ],
        note="Of a key only its hash is kept: what is lost cannot be shown again, and is rotated. "
        "The last use is told to within 5 minutes.",
    )


def _works_until(source: LeadSource, key: LeadSourceKey) -> Told:
    match key.obstacle(source, datetime.now(UTC)):
        case Obstacle.SOURCE_REVOKED:
            return "Revoked with the source"
        case Obstacle.REVOKED:
            return chip("Revoked", "warning")
        case Obstacle.RUN_OUT:
            return chip("Has run out")
    return "It is rotated" if key.expires_at is None else Shown(key.expires_at, Kind.INSTANT)


def tests_of(tests: Sequence[TestSubmission]) -> Table:
    return Table(
        "Test requests",
        (("Received", Kind.AGO), ("Answer", Kind.CHIP), ("Submission key", Kind.ID), ("Faults", Kind.TEXT)),
        [
            (
                Shown(test.received_at, Kind.AGO),
                _answer(test.status_code),
                Shown(test.submission_key, Kind.ID),
                _faults(test),
            )
            for test in tests
        ],
        empty="None yet. In test mode, or with “test”: true in its body, a lead is checked and answered, "
        "and nothing comes of it.",
        note="The last 20. Of what was sent nothing else is kept." if tests else "",
    )


def _answer(status_code: int) -> Markup:
    if status_code == HTTPStatus.ACCEPTED:
        return chip("Taken", "positive")
    return chip(f"Refused: {status_code}", "warning")


def _faults(test: TestSubmission) -> Told:
    told = ", ".join(f"{fault['field']}: {fault['code']}" for fault in test.faults)
    return Markup('<span class="said">{}</span>').format(told) if told else Shown(None)
