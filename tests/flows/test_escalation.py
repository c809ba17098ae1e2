"""From a policy to a mail: what waits is escalated once, though intake dies at it, and the mail reaches its owner."""

import os
import signal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.flows.people import Person, marked, new_service
from tests.flows.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

MINUTELY_SECONDS = 100
"""The job runs each minute; what was killed at it is done by the next run."""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'escalations'::regclass"


async def _policy(running: Running, service: str, *steps: dict[str, Any]) -> str:
    """For leads of the service alone; it was turned on two hours ago."""
    body = {"name": f"{marked()} waits", "subject": "lead", "services": [service], "steps": steps}
    policy = await running.told("POST", "intake", "/admin/escalation-policies", json=body)
    await running.told("POST", "intake", f"/admin/escalation-policies/{policy['id']}/on")
    await running.owners["intake"].execute(
        "UPDATE escalation_policies SET on_since = now() - interval '2 hours' WHERE id = $1", UUID(policy["id"])
    )
    policy_id: str = policy["id"]
    return policy_id


async def _has_waited(running: Running, lead_id: str) -> None:
    """For an hour."""
    query = "UPDATE leads SET status_since = now() - interval '1 hour' WHERE id = $1"
    await running.owners["intake"].execute(query, UUID(lead_id))


async def _waits_for_an_operator(running: Running, lead_id: str) -> bool:
    (row,) = await running.rows("intake", "SELECT status FROM leads WHERE id = $1", UUID(lead_id))
    assert row["status"] == "exception"
    return True


async def _own(running: Running, lead_id: str) -> None:
    """The one operator there is takes it, once identity has told of them."""

    async def known() -> str:
        (row,) = await running.rows(
            "intake", "SELECT operator_id FROM operators WHERE email = $1", running.operator.email
        )
        return str(row["operator_id"])

    owner = await running.until(known)
    await running.told("POST", "intake", f"/admin/leads/{lead_id}/owner", json={"owner_id": owner})


async def _kill_at_it(running: Running) -> None:
    """While it waits for a lock that we hold, its leads locked."""
    owner = running.owners["intake"]
    async with owner.transaction():
        await owner.execute("LOCK TABLE escalations IN EXCLUSIVE MODE")
        await running.until(partial(running.number, "intake", WAITING), MINUTELY_SECONDS)
        os.kill(running.child("intake").pid, signal.SIGKILL)

        async def mended() -> bool:
            return running.system.supervisor.mend(lambda _death: None)

        await running.until(mended)


class TestEscalation:
    async def test_is_done_once_and_mailed_once_though_intake_dies_at_it(self, running: Running) -> None:
        service = new_service()
        lead_id = await running.take_lead(Person(), service)
        await running.until(partial(_waits_for_an_operator, running, lead_id))
        await _own(running, lead_id)
        policy_id = await _policy(
            running,
            service,
            {"after_minutes": 30, "action": "nudge", "notify": "owner"},
            {"after_minutes": 45, "action": "critical"},
        )
        await _has_waited(running, lead_id)
        await _kill_at_it(running)

        async def mailed() -> list[dict[str, Any]]:
            mails = await running.mails_to(running.operator.email)
            found = [read for mail in mails if lead_id in (read := await running.mail(mail["id"]))["text"]]
            assert found
            return found

        (mail,) = await running.until(mailed, MINUTELY_SECONDS)
        assert mail["subject"].startswith("Lead waits")
        done = await running.rows(
            "intake", "SELECT step_no, action FROM escalations WHERE policy_id = $1 ORDER BY step_no", UUID(policy_id)
        )
        assert [(row["step_no"], row["action"]) for row in done] == [(1, "nudge"), (2, "critical")]
        (lead,) = await running.rows("intake", "SELECT critical_since FROM leads WHERE id = $1", UUID(lead_id))
        assert lead["critical_since"] is not None
