"""A model of PostgreSQL as far as the event path relies on it: read committed, row locks, unique keys, advisory locks.

A commit is one step, so that what is committed is one state, and a statement reads that state with the transaction's
own writes over it. A statement that meets another transaction's lock waits for the end of it and looks again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Generator, Hashable, Mapping
from itertools import count
from typing import Any

import asyncpg


class Row(dict[Any, Any]):
    """Read by name or place (`row["id"]`, `row[0]`), and by attribute as SQLAlchemy's rows are."""

    __slots__ = ()

    def __missing__(self, place: Any) -> Any:
        if isinstance(place, int):
            return list(self.values())[place]
        raise KeyError(place)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


Rows = list[Row]
Waiting = Generator["Transaction", None, Any]
"""A statement that yields each transaction whose end it has to wait for, and returns its rows."""
Committed = Callable[[str, Hashable, Row | None], None]


class Store:
    """All committed rows by table and primary key. `on_commit` hears of every row that a commit changes, in order."""

    def __init__(self, on_commit: Committed = lambda *_: None) -> None:
        self.tables: dict[str, dict[Hashable, Row]] = defaultdict(dict)
        self.locks: dict[Hashable, Transaction] = {}
        self.session_locks: dict[Hashable, ServerSession] = {}
        self.on_commit = on_commit
        self.transactions: set[Transaction] = set()
        """Those that are open."""
        self.numbers = count(1)
        self._sequences: dict[str, int] = defaultdict(int)

    def next_value(self, sequence: str) -> int:
        """Never given back, whatever becomes of the transaction."""
        self._sequences[sequence] += 1
        return self._sequences[sequence]

    def last_value(self, sequence: str) -> int:
        return self._sequences[sequence]


class ServerSession:
    """A backend: it holds session locks and one transaction at most, and loses both with its end."""

    __slots__ = ("is_open", "store", "transaction")

    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_open = True
        self.transaction: Transaction | None = None

    def begin(self) -> "Transaction":
        self.transaction = Transaction(self)
        return self.transaction

    def try_lock(self, name: Hashable) -> bool:
        return self.store.session_locks.setdefault(name, self) is self

    def end(self) -> None:
        if self.transaction is not None:
            self.transaction.roll_back()
        self.is_open = False
        locks = self.store.session_locks
        for name in [name for name, holder in locks.items() if holder is self]:
            del locks[name]


class Transaction:
    """Writes lie beside the committed rows until `commit`; a None is a deletion."""

    __slots__ = (
        *("_awaited_by", "_held", "_own", "is_aborted", "is_over", "number", "session", "store", "waits_for", "writes"),
    )

    def __init__(self, session: ServerSession) -> None:
        self.session = session
        self.store = session.store
        self.is_over = False
        self.is_aborted = False
        self.waits_for: Transaction | None = None
        self._own: dict[tuple[str, Hashable], Row | None] = {}
        self._held: list[Hashable] = []
        self._awaited_by: list[asyncio.Future[None]] = []
        self.number = next(self.store.numbers)
        self.writes: set[str] = set()
        """Tables on which it holds a writer's lock; it does from before it draws an id."""
        self.store.transactions.add(self)

    def rows(self, table: str) -> Mapping[Hashable, Row]:
        """What this transaction sees of a table now, in no order that may be relied on."""
        committed = self.store.tables[table]
        own = {key: row for (name, key), row in self._own.items() if name == table}
        if not own:
            return committed
        return {key: row for key, row in {**committed, **own}.items() if row is not None}

    def get(self, table: str, key: Hashable) -> Row | None:
        if (table, key) in self._own:
            return self._own[table, key]
        return self.store.tables[table].get(key)

    def changes(self, table: str, column: str, value: Any) -> bool:
        """Whether one of its own rows has the value."""
        return any(name == table and row is not None and row[column] == value for (name, _), row in self._own.items())

    def lock(self, name: Hashable) -> Waiting:
        """A row is named by its table and key. Whoever had to wait reads the row again."""
        locks = self.store.locks
        while (holder := locks.get(name)) is not self:
            if holder is None:
                locks[name] = self
                self._held.append(name)
                return
            yield holder

    def insert(self, table: str, key: Hashable, row: Row) -> Waiting:
        """Whether the key was free; waits for another transaction that has inserted or deleted it."""
        name = (table, key)
        is_held = self.store.locks.get(name) is self
        yield from self.lock(name)
        if self.get(table, key) is not None:
            # A row that is there already is not locked by having been met.
            if not is_held:
                self._held.remove(name)
                del self.store.locks[name]
            return False
        self._own[table, key] = row
        return True

    def update(self, table: str, key: Hashable, **values: Any) -> Waiting:
        yield from self.lock((table, key))
        row = self.get(table, key)
        if row is not None:
            self._own[table, key] = Row(row, **values)
        return row is not None

    def delete(self, table: str, key: Hashable) -> Waiting:
        yield from self.lock((table, key))
        found = self.get(table, key) is not None
        if found:
            self._own[table, key] = None
        return found

    async def finish(self, statement: Waiting) -> Any:
        """The rows of a statement that may have to wait."""
        if self.is_aborted:
            raise asyncpg.InFailedSQLTransactionError
        while True:
            try:
                rival = next(statement)
            except StopIteration as done:
                return done.value
            await self._wait_for(rival)

    async def _wait_for(self, rival: "Transaction") -> None:
        if rival.is_over:
            return
        other: Transaction | None = rival
        while other is not None:
            if other is self:
                raise asyncpg.DeadlockDetectedError
            other = other.waits_for
        over = asyncio.get_running_loop().create_future()
        rival._awaited_by.append(over)
        self.waits_for = rival
        try:
            await over
        finally:
            self.waits_for = None
        if self.is_over:
            raise asyncpg.ConnectionDoesNotExistError("the session was ended while it waited")

    def commit(self) -> None:
        if self.is_over:
            return
        for (table, key), row in self._own.items():
            if row is None:
                self.store.tables[table].pop(key, None)
            else:
                self.store.tables[table][key] = row
            self.store.on_commit(table, key, row)
        self._end()

    def roll_back(self) -> None:
        if not self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        self.store.transactions.discard(self)
        self.session.transaction = None
        for name in self._held:
            del self.store.locks[name]
        for over in self._awaited_by:
            if not over.done():
                over.set_result(None)
