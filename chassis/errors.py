"""Refusals: what a rule says no to. At an HTTP edge they are problem documents; on a topic they park the event."""

from http import HTTPStatus
from typing import ClassVar, TypeVar

_Found = TypeVar("_Found")


class Refusal(Exception):
    """A business rule said no, for a reason that trying again does not change.

    A subclass names its stable `code` and HTTP `status`; `ids` are the identifiers that the reader needs to act.
    `detail` is shown to people and logged, so it never holds personal data.
    """

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT

    def __init__(self, detail: str, *, errors: tuple["FieldError", ...] = (), **ids: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.ids = {name: str(value) for name, value in ids.items()}


class NotFound(Refusal):
    code = "not_found"
    title = "Not found"
    status = HTTPStatus.NOT_FOUND

    @classmethod
    def unless(cls, found: _Found | None, detail: str, **ids: object) -> _Found:
        """What was found; raises this refusal where there is nothing."""
        if found is None:
            raise cls(detail, errors=(), **ids)
        return found


class Invalid(Refusal):
    """The shape is right and the content cannot be: every fault is named in `errors`, not the first alone."""

    code = "invalid"
    title = "Invalid content"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FieldError:
    """One fault of one field: `field` is a dotted path, `code` is stable, `message` is for people."""

    __slots__ = ("code", "field", "message")

    def __init__(self, field: str, code: str, message: str) -> None:
        self.field = field
        self.code = code
        self.message = message


class NoDatabase(Exception):
    """The environment does not say where the service's database is, or says what is no URL of one."""
