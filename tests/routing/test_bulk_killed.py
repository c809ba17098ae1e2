"""Kill -9 in the midst of a bulk job: each row is done once or not at all, and the next worker does the rest."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import FixedClock
from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction
from chassis.console.bulk.running import BulkRunner
from chassis.telemetry.context import RequestContext, answering
from deploy.local.postgres import ServiceDatabase
from services.routing.domain.windows import Limits
from services.routing.pages.installers import LISTING
from tests.routing.arrangements import NOW, ROBIN, Floor, committing

CONFIRMATION = RequestContext("the-confirmation", "what-it-is-about")
ROOT = Path(__file__).resolve().parents[2]
INSTALLERS, DONE = 12, 5
PATIENCE_SECONDS = 60

pytestmark = pytest.mark.slow

FORMS: dict[str, dict[str, Any]] = {
    "caps": {"month": "60", "reason": "A quiet winter"},
    "note": {"text": "Told of the winter caps"},
    "away": {"kind": "holiday", "first": "2026-04-03", "last": "2026-04-06", "reason": "Easter"},
}
AUDITED = {"caps": "set_caps", "note": "append_note", "away": "add_absence"}


async def confirmed(floor: Floor, action: BulkAction, fields: dict[str, Any]) -> None:
    """A job over all installers, as the pages begin one."""
    ids = await floor.installers(INSTALLERS, Limits(month=90))
    form = action.form.model_validate(fields)
    async with floor.database.transaction() as session:
        job_id = await jobs.propose(session, jobs.Propose(LISTING.name, action, ids, ROBIN), NOW)
    with answering(CONFIRMATION):
        async with floor.database.transaction() as session:
            await jobs.confirm(session, job_id, action, form, ROBIN, NOW)


async def answered(floor: Floor, action: str) -> list[dict[str, Any]]:
    """Which requests and which jobs its audit rows are of."""
    return await floor.rows(
        """SELECT request_id, after ->> 'bulk_job' AS job, count(*) AS rows
           FROM audit_entries WHERE action = :action GROUP BY 1, 2""",
        action=action,
    )


async def run_until_killed(given: ServiceDatabase, step: str) -> int | None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.routing.dying_bulk", given.url, step, str(DONE)), cwd=ROOT
    )
    try:
        await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode


async def counts(floor: Floor, action: str) -> dict[str, int]:
    """Rows that say they are done, and what was done: in all, and how many installers it was done to."""
    [row] = await floor.rows(
        """SELECT (SELECT count(*) FROM bulk_rows WHERE state = 'done') AS told, count(*) AS done,
                  count(DISTINCT subject_id) AS installers
           FROM audit_entries WHERE action = :action""",
        action=action,
    )
    return row


@pytest.mark.parametrize("step", ["before_commit", "after_commit"])
@pytest.mark.parametrize("name", FORMS)
async def test_each_row_is_done_once_whenever_its_worker_dies(
    fresh_database: Callable[[str], ServiceDatabase], name: str, step: str
) -> None:
    given, clock = fresh_database("routing"), FixedClock(NOW)
    action = LISTING.action(name)
    assert action is not None
    async with committing(given, clock) as floor:
        await confirmed(floor, action, FORMS[name])
        assert await run_until_killed(given, step) == -9
        assert await counts(floor, AUDITED[name]) == {"told": DONE, "done": DONE, "installers": DONE}
        runner = BulkRunner(floor.database, clock, [LISTING])
        while await runner.step():
            pass
        all_of_them = {"told": INSTALLERS, "done": INSTALLERS, "installers": INSTALLERS}
        assert await counts(floor, AUDITED[name]) == all_of_them
        [job] = await floor.rows("SELECT id, state FROM bulk_jobs")
        assert job["state"] == "finished"
        assert await answered(floor, AUDITED[name]) == [
            {"request_id": CONFIRMATION.request_id, "job": str(job["id"]), "rows": INSTALLERS}
        ]
