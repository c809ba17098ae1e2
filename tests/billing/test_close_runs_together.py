"""Runs over one month at once, in several processes, one of which dies: each installer is billed once."""

import asyncio

import pytest
from sqlalchemy import text

from services.billing import closing
from services.billing.domain.close_runs import RunKind
from services.billing.queries import close_runs
from tests.billing.arrangements import Books, march, sent
from tests.billing.arrangements_close_runs import keep_references, run_of, runner, start


class TestTogether:
    @pytest.mark.parametrize("is_dry", [False, True])
    async def test_who_comes_to_a_portion_when_the_run_is_over_adds_nothing(self, books: Books, is_dry: bool) -> None:
        await books.deliver(*[sent(await books.priced_installer(), march(3)) for _ in range(3)])
        run_id, working = await start(books, RunKind.DRAFT, is_dry=is_dry), runner(books)
        early = await run_of(books, run_id)
        async with books.database.reading() as session:
            ids = await close_runs.next_portion(session, run_id, 3, 100)
        assert await working.step()
        ended = await run_of(books, run_id)
        await working._do(early, ids)
        again = await run_of(books, run_id)
        assert (again.drafted_count, again.failed_count, again.version) == (3, 0, ended.version)
        assert len(await books.published("month.drafted")) == (0 if is_dry else 1)

    async def test_two_runs_at_once_and_one_that_dies_half_way_end_in_the_same_invoices(
        self, shared_books: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        books = shared_books
        monkeypatch.setattr(closing, "MOST_INSTALLERS", 2)
        await books.deliver(*[sent(await books.priced_installer(), march(3)) for _ in range(5)])
        first = await start(books, RunKind.DRAFT)
        assert await runner(books).step()
        await _die_in_a_portion(books, monkeypatch)
        second = await start(books, RunKind.DRAFT)
        await _work_off_together(books, 3)
        runs = [await run_of(books, id_) for id_ in (first, second)]
        assert [run.done_count for run in runs] == [5, 5]
        assert sum(run.drafted_count for run in runs) == 5
        drafts = [row.id for row in await books.rows("SELECT id FROM invoices")]
        await keep_references(books, drafts)
        issues = [await start(books, RunKind.ISSUE) for _ in range(2)]
        await _work_off_together(books, 3)
        assert sum([(await run_of(books, id_)).issued_count for id_ in issues]) == 5
        numbers = await books.rows("SELECT number FROM invoices ORDER BY number")
        assert [row.number for row in numbers] == [f"WB-{n:06}" for n in range(1, 6)]
        assert len(await books.published("invoice.issued")) == 5
        assert len(await books.published("month.issued")) == len(await books.published("month.drafted")) == 2
        assert (await books.trial_balance())["receivable"] == 5 * 9_350


async def _die_in_a_portion(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did is not committed, and whoever comes next does not wait for a process that died."""

    async def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(closing, "keep_results", die)
        with pytest.raises(SystemExit):
            await runner(books).step()
    assert await books.value("SELECT count(*) FROM invoices") == 2
    async with books.unit() as session:
        await session.execute(text("UPDATE close_runs SET leased_until = now() - interval '1 second'"))


async def _work_off_together(books: Books, processes: int) -> None:
    working = [runner(books) for _ in range(processes)]
    while any(await asyncio.gather(*(each.step() for each in working))):
        continue
