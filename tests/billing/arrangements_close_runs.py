"""Runs over a month as tests begin and work them."""

from typing import Any
from uuid import UUID

from chassis.ids import new_id
from services.billing.closing import CloseRunner
from services.billing.commands.close_runs import StartRun, start_run
from services.billing.commands.references import KeepReference, keep_reference
from services.billing.domain.close_runs import RunKind
from services.billing.models import CloseRun
from services.billing.queries import close_runs
from tests.billing.arrangements import HOUSE, MAKER, MARCH, Books, march, sent


async def keep_references(books: Books, drafts: list[UUID]) -> None:
    async with books.unit() as session:
        for draft in drafts:
            await keep_reference(session, KeepReference(draft, books.stripe_id()))


async def ready_drafts(books: Books, number: int) -> list[UUID]:
    """Drafts of March, one for each of so many new installers, with a reference each."""
    await books.deliver(*[sent(await books.priced_installer(), march(3 + n)) for n in range(number)])
    drafts = [result.invoice_id for result in await books.drafts() if result.invoice_id]
    await keep_references(books, drafts)
    return drafts


async def start(books: Books, kind: RunKind, **asked: Any) -> UUID:
    async with books.unit() as session:
        return (await start_run(session, StartRun(new_id(), kind, MARCH, MAKER, **asked), books.clock.now())).id


async def run_of(books: Books, run_id: UUID) -> CloseRun:
    async with books.database.reading() as session:
        return await close_runs.find(session, run_id)


def runner(books: Books) -> CloseRunner:
    return CloseRunner(books.database, books.clock, HOUSE, None)
