"""Documents as PDF: the facts are read, set in a process of its own with no transaction open, and kept once."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from time import monotonic
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.faults import is_passing
from contracts.values import DocumentKind
from services.billing.commands.documents import Rendered, keep_document
from services.billing.domain.printed import Printed, printed_invoice, printed_note
from services.billing.queries import documents

log = structlog.get_logger(__name__)

TYPESETTER = Path(__file__).with_name("typesetting.py")
TYPESETTING_SECONDS = 60.0
REST_SECONDS = 60.0
"""How long a document that could not be rendered waits, so that the others do not wait behind it."""


class NotRendered(RuntimeError):
    """The typesetter gave no PDF. Its own words are not passed on: they quote the document."""


async def render(printed: Printed) -> bytes:
    facts = json.dumps(printed).encode()
    with _typesetter() as typesetter:
        try:
            content, _ = await asyncio.to_thread(typesetter.communicate, facts, TYPESETTING_SECONDS)
        except subprocess.TimeoutExpired:
            raise NotRendered("the typesetter took too long") from None
        finally:
            # Too slow, or we are told to stop; one that has ended is left alone.
            typesetter.kill()
    if typesetter.returncode != 0 or not content.startswith(b"%PDF"):
        raise NotRendered(f"the typesetter ended with {typesetter.returncode}")
    return content


def _typesetter() -> subprocess.Popen[bytes]:
    """Not by the loop: uvloop's child runs what every library does after a fork, and that of tracing waits for ever."""
    # Isolated: its directory on the path would put our `http` before the standard library's.
    command = [sys.executable, "-I", str(TYPESETTER)]
    return subprocess.Popen(  # noqa: S603  # our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


class Renderer:
    """Finds what is issued and not rendered; a loop calls `step`."""

    def __init__(self, database: Database, clock: Clock, zone: ZoneInfo) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._resting: dict[UUID, float] = {}

    async def step(self) -> bool:
        """One document. One that fails rests; a database that is away is the loop's to wait for."""
        self._resting = {id_: until for id_, until in self._resting.items() if until > monotonic()}
        async with self._database.reading() as session:
            found = await documents.next_unrendered(session, list(self._resting))
        if found is None:
            return False
        kind, id_ = found
        try:
            await self._render(kind, id_)
        except Exception as fault:
            if is_passing(fault):
                raise
            self._resting[id_] = monotonic() + REST_SECONDS
            log.exception("document_not_rendered", kind=kind, id=str(id_), fault=type(fault).__name__)
        return True

    async def _render(self, kind: DocumentKind, id_: UUID) -> None:
        async with self._database.reading() as session:
            printed = (
                printed_invoice(await documents.invoice_facts(session, id_), self._zone)
                if kind is DocumentKind.TAX_INVOICE
                else printed_note(await documents.note_facts(session, id_), self._zone)
            )
        content = await render(printed)
        async with self._database.transaction() as session:
            await keep_document(session, Rendered(kind, id_, content), self._clock.now())
        log.info("document_rendered", kind=kind, id=str(id_), bytes=len(content))
