"""The statements that a test's database is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

OF_A_SAVEPOINT = ("SAVEPOINT", "RELEASE")
"""By which a test's own transaction is divided."""


@contextmanager
def statements_of(engine: Any) -> Iterator[list[str]]:
    """Every one that is sent within: `engine` is one of SQLAlchemy's, or a connection, without its asyncio face."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(OF_A_SAVEPOINT):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
