"""Who a bearer is. A key that was seen working is not looked up again for a while.

Nothing is taken on the memory's word: the statement that takes a lead proves once more that its key works.
"""

from time import monotonic
from uuid import UUID

from chassis.clock import Clock, SystemClock
from chassis.database import Database
from services.intake import queries
from services.intake.commands.source_keys import USE_TOLD_EVERY, note_use
from services.intake.domain import presented_key
from services.intake.errors import KeyMissing, SourceUnknown
from services.intake.queries import LiveKey

MOST_REMEMBERED = 10_000


class KeyRing:
    """`clock` is business time, by which the last use of a key is told."""

    def __init__(self, database: Database, remember_seconds: float, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._remember_seconds = remember_seconds
        self._seen: dict[bytes, tuple[LiveKey, float]] = {}

    async def holder(self, token: str | None) -> LiveKey:
        """The working key that a bearer token is. Raises a refusal with status 401 for any other."""
        if token is None:
            raise KeyMissing("send the lead source's API key as a bearer token")
        key = presented_key(token)
        if key is None:
            raise SourceUnknown("this is no API key of a lead source")
        # Remembered by the hash of the whole key: who knows a prefix alone finds nothing here.
        live, seen_at = self._seen.get(key.digest, (None, 0.0))
        if live is None or monotonic() - seen_at > self._remember_seconds:
            async with self._database.reading() as session:
                live = await queries.live_key(session, key)
            self._remember(live)
            await self._note_use(live)
        return live

    def forget(self, source_id: UUID) -> None:
        """After a change to the source in this process; the others' memories run out."""
        self._seen = {digest: seen for digest, seen in self._seen.items() if seen[0].source_id != source_id}

    async def _note_use(self, live: LiveKey) -> None:
        now = self._clock.now()
        if live.last_used_at is None or live.last_used_at <= now - USE_TOLD_EVERY:
            async with self._database.transaction() as session:
                await note_use(session, live.key.prefix, now)

    def _remember(self, live: LiveKey) -> None:
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen.clear()
        self._seen[live.key.digest] = (live, monotonic())
