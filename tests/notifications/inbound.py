"""Events that come in: by the runtime, as the broker hands them over, or straight to what handles them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from chassis.clock import FixedClock
from chassis.consumer import Consumer
from chassis.database import Database
from chassis.pacing import Patience
from chassis.records import Record
from chassis.runtime import ConsumerRuntime
from contracts.envelope import Event
from services.notifications.consumers import Consumers
from services.notifications.settings import Settings
from tests.kit.records import incoming, record_of
from tests.notifications.conftest import settings_of

NO_SERVER = "smtp://127.0.0.1:1"


class Topics:
    """Inbox and all; each event is the next of its aggregate."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings | None = None) -> None:
        consumers = Consumers(clock, settings or settings_of(NO_SERVER)).all()
        self._runtimes = {consumer.topic.name: _runtime(consumer, database) for consumer in consumers}
        self._offset = 0
        self._versions: Counter[str] = Counter()

    async def take(self, *events: Event) -> list[Record]:
        """One batch of one topic."""
        records: list[Record] = []
        for event in events:
            self._offset += 1
            self._versions[event.subject] += 1
            records.append(record_of(event, offset=self._offset, version=self._versions[event.subject]))
        await self.again(records)
        return records

    async def again(self, records: list[Record]) -> None:
        await self._runtimes[records[0].topic].process(records)


def _runtime(consumer: Consumer, database: Database) -> ConsumerRuntime:
    return ConsumerRuntime(
        name=f"tests.{consumer.topic.name}",
        consumer=consumer,
        database=database,
        patience=Patience(first_seconds=0.001, attempts=2),
    )


class Handlers:
    """Each call is a batch of one type, in a transaction of its own, of whatever version is wanted."""

    def __init__(
        self,
        database: Database,
        clock: FixedClock,
        wake: Callable[[], None] = lambda: None,
        settings: Settings | None = None,
    ) -> None:
        consumers = Consumers(clock, settings or settings_of(NO_SERVER), wake).all()
        self._database = database
        self._handlers = {event: handler for each in consumers for event, handler in each.handlers.items()}

    async def take(self, *events: Any, version: int = 1) -> None:
        async with self._database.transaction() as session:
            await self._handlers[type(events[0])](session, [incoming(event, version) for event in events])
