"""A connection to the model database: where a fault strikes between a client and its backend.

What a process knows of its backend is what was answered. A connection can be lost before a statement, after it, and
around COMMIT; the backend notices at once or later, and until then it keeps its locks.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import asyncpg

from tests.ring.loop import CURRENT
from tests.ring.plan import FaultKind
from tests.ring.store import Rows, ServerSession, Transaction

if TYPE_CHECKING:
    from tests.ring.world import World

Lost = asyncpg.ConnectionDoesNotExistError
Outcome = Callable[[Transaction], Any]


class Wire:
    """Each message takes one step, on the way there or on the way back: whoever sent it can be killed on either."""

    __slots__ = ("_world", "backend", "process")

    def __init__(self, world: "World") -> None:
        self._world = world
        self.process = CURRENT.get()
        self.backend = ServerSession(world.store)
        world.wires.append(self)

    async def execute(self, outcome: Outcome, name: Any) -> Rows:
        """In the open transaction, or in one of its own."""
        world = self._world
        is_early = world.toss()
        if is_early:
            await world.hop()
        self._check_open()
        pick = world.chaos.strikes(FaultKind.STATEMENT)
        if world.is_traced:
            world.note(f"statement {name}", pick)
        if pick is not None and pick % 6 != 4:
            self._fail(pick)
        rows = await self._serve(outcome)
        if pick is not None:
            self._lose(pick)
        if not is_early:
            await world.hop()
        return rows

    async def _serve(self, outcome: Outcome) -> Rows:
        transaction = self.backend.transaction
        is_alone = transaction is None
        transaction = transaction or self.backend.begin()
        try:
            rows: Any = outcome(transaction)
            if isinstance(rows, Generator):
                rows = await transaction.finish(rows)
            self._check_open()
            if is_alone:
                self._commit()
        except asyncpg.PostgresError:
            transaction.is_aborted = True
            if is_alone:
                transaction.roll_back()
            raise
        result: Rows = rows
        return result

    def _fail(self, pick: int) -> None:
        match pick % 6:
            case 0 | 1:
                self._lose(pick)
            case 2:
                self._abort(asyncpg.SerializationError())
            case 3:
                self._abort(asyncpg.DeadlockDetectedError())
            case _:
                self.backend.end()
                raise asyncpg.AdminShutdownError

    def _abort(self, fault: Exception) -> None:
        if self.backend.transaction is not None:
            self.backend.transaction.is_aborted = True
        raise fault

    def _lose(self, pick: int) -> None:
        self.hang_up(is_noticed=pick % 2 == 0)
        raise Lost("the connection was reset")

    def hang_up(self, *, is_noticed: bool) -> None:
        backend, self.backend = self.backend, _NO_BACKEND
        if is_noticed:
            backend.end()
        else:
            self._world.later(backend.end)

    def begin(self) -> None:
        """Sent with the first statement, as far as anyone can tell."""
        self._check_open()
        self.backend.begin()

    async def commit(self) -> None:
        world = self._world
        is_early = world.toss()
        if is_early:
            await world.hop()
        self._check_open()
        self._commit()
        if not is_early:
            await world.hop()

    def _commit(self) -> None:
        transaction = self.backend.transaction
        if transaction is None:
            return
        pick = self._world.chaos.strikes(FaultKind.COMMIT)
        if self._world.is_traced:
            self._world.note("commit", pick)
        if transaction.is_aborted:
            transaction.roll_back()
            raise asyncpg.InFailedSQLTransactionError
        if pick is not None:
            self._fail_commit(transaction, pick)
        transaction.commit()

    def _fail_commit(self, transaction: Transaction, pick: int) -> None:
        match pick % 5:
            case 0:
                transaction.roll_back()
                raise asyncpg.SerializationError
            case 1:
                transaction.commit()
            case 2:
                # It is on its way: the client has given it up, and it happens all the same.
                self._world.later(transaction.commit)
        self._lose(pick)

    def roll_back(self) -> None:
        if self.backend.transaction is not None:
            self.backend.transaction.roll_back()

    def close(self) -> None:
        self.backend.end()
        if self in self._world.wires:
            self._world.wires.remove(self)

    def _check_open(self) -> None:
        if not self.backend.is_open:
            raise Lost("connection is closed")


class _NoBackend(ServerSession):
    """The far end of a connection that was lost."""

    def __init__(self) -> None:
        self.is_open = False
        self.transaction = None

    def end(self) -> None:
        """There is nothing left to end."""


_NO_BACKEND = _NoBackend()
