"""Documents as PDF: the facts are read, set by typst in a thread with no transaction open, and kept once."""

import asyncio
import json
from functools import cache
from pathlib import Path
from time import monotonic
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
import typst

from chassis.clock import Clock
from chassis.database import Database
from chassis.faults import is_passing
from contracts.values import DocumentKind
from services.billing.commands.documents import Rendered, keep_document
from services.billing.domain.printed import Printed, printed_invoice, printed_note
from services.billing.queries import documents

log = structlog.get_logger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
FONT = "Inter"
REST_SECONDS = 60.0
"""How long a document that could not be rendered waits, so that the others do not wait behind it."""


class FontMissing(RuntimeError):
    """Typst sets a text without its font as blanks, and says nothing."""


def render(printed: Printed) -> bytes:
    """Deterministic: the same words and amounts give the same bytes, whenever and wherever they are set."""
    return typst.compile(
        str(TEMPLATES / "document.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"document": json.dumps(printed)},
        format="pdf",
        timestamp=printed["instant"],
    )


@cache
def _fonts() -> typst.Fonts:
    """Ours alone: what the machine has installed would change the bytes."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(TEMPLATES / "fonts")])
    if FONT not in fonts.families():
        raise FontMissing(f"templates/fonts holds no {FONT}")
    return fonts


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
        content = await asyncio.to_thread(render, printed)
        async with self._database.transaction() as session:
            await keep_document(session, Rendered(kind, id_, content), self._clock.now())
        log.info("document_rendered", kind=kind, id=str(id_), bytes=len(content))
