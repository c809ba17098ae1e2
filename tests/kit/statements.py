"""The statements that a test's database is sent."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import event

OF_A_SAVEPOINT = ("SAVEPOINT", "RELEASE")
"""By which a test's own transaction is divided."""

Kept = TypeVar("Kept")


def statements_of(engine: Any) -> AbstractContextManager[list[str]]:
    """Every one that is sent within: `engine` is one of SQLAlchemy's, or a connection, without its asyncio face."""
    return _sent(engine, lambda statement, _given: statement)


def questions_of(engine: Any) -> AbstractContextManager[list[tuple[str, str]]]:
    """The same, each with what it was given, as text: what is asked twice is twice here."""
    return _sent(engine, lambda statement, given: (statement, repr(given)))


@contextmanager
def _sent(engine: Any, kept: Callable[[str, object], Kept]) -> Iterator[list[Kept]]:
    sent: list[Kept] = []

    def note(_connection: object, _cursor: object, statement: str, given: object, *_rest: object) -> None:
        if not statement.startswith(OF_A_SAVEPOINT):
            sent.append(kept(statement, given))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
