"""Services that die at their work, and services that are told to end: no lead is lost, none is billed twice."""

import asyncio
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
import pytest

from chassis.settings import ServiceSettings
from deploy import SERVICES
from tests.flows.people import Person, new_service, submission
from tests.flows.running import Installer, Running
from tests.kit.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("system"), pytest.mark.timeout(300)]

GRACEFUL_SECONDS = ServiceSettings.model_fields["graceful_timeout_seconds"].default
RECOVERY_SECONDS = 60
AT_ONCE = 4

# A table that each writes to in the midst of its work.
WRITES_TO = {"intake": "consents", "routing": "assignments", "billing": "delivery_events"}


@dataclass
class Flow:
    """Leads on their way. A source that gets no answer sends the same lead again until it gets one."""

    running: Running
    service: str
    installers: list[Installer]
    lead_ids: list[str] = field(default_factory=list)
    _handing_in: list[asyncio.Task[None]] = field(default_factory=list)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def hand_in(self, fives: int) -> None:
        """Of each five leads three are for one installer, one is for all three, and one is for nobody there."""
        for _ in range(fives):
            for path, service in (
                *[("recommended_installer", self.service)] * 3,
                ("compare_quotes", self.service),
                ("recommended_installer", new_service()),
            ):
                body = submission(Person(), service, selected_path=path)
                self._handing_in.append(asyncio.create_task(self._until_accepted(body)))

    async def all_accepted(self) -> None:
        await asyncio.gather(*self._handing_in)
        assert len(set(self.lead_ids)) == len(self._handing_in)

    async def give_up(self) -> None:
        for task in self._handing_in:
            task.cancel()
        await asyncio.gather(*self._handing_in, return_exceptions=True)

    async def _until_accepted(self, body: Any) -> None:
        async def accepted() -> str:
            try:
                answer = await self.running.post_lead(body)
            except httpx.TransportError as away:
                raise AssertionError("intake is away") from away
            assert answer.status_code == 202, answer.text
            lead_id: str = answer.json()["id"]
            return lead_id

        async with self._gate:
            self.lead_ids.append(await eventually(accepted, RECOVERY_SECONDS))

    @property
    def _ids(self) -> list[UUID]:
        return [UUID(lead_id) for lead_id in self.lead_ids]

    async def settled(self) -> bool:
        """Every lead is delivered or waits for an operator, at intake and at routing, and nothing is under way."""
        by_status = "SELECT status, count(*) AS leads FROM leads WHERE id = ANY($1) GROUP BY status"
        leads = {row["status"]: row["leads"] for row in await self.running.rows("intake", by_status, self._ids)}
        assert leads.keys() <= {"delivered", "exception"}, leads
        assert sum(leads.values()) == len(self.lead_ids), leads
        by_status = "SELECT status FROM assignments WHERE lead_id = ANY($1)"
        assignments = Counter(row["status"] for row in await self.running.rows("routing", by_status, self._ids))
        assert not assignments["pending"], assignments
        assert await self.running.outboxes() == {}
        return True

    async def sent(self) -> set[UUID]:
        query = "SELECT id FROM assignments WHERE status = 'sent' AND lead_id = ANY($1)"
        return {row["id"] for row in await self.running.rows("routing", query, self._ids)}

    async def billed(self) -> Counter[UUID]:
        """Delivery events by assignment."""
        query = "SELECT assignment_id FROM delivery_events WHERE lead_id = ANY($1)"
        return Counter(row["assignment_id"] for row in await self.running.rows("billing", query, self._ids))

    async def every_sent_assignment_is_billed(self) -> bool:
        assert await self.billed() == Counter(await self.sent())
        return True

    async def mails(self) -> Counter[str]:
        """Copies in the installers' mailboxes by Message-ID."""
        found = [mail for installer in self.installers for mail in await self.running.mails_to(installer.email)]
        return Counter(mail["message_id"] for mail in found)

    async def contents(self) -> dict[str, set[bytes]]:
        """The different bytes under each Message-ID."""
        found: dict[str, set[bytes]] = defaultdict(set)
        for installer in self.installers:
            for mail in await self.running.mails_to(installer.email):
                found[mail["message_id"]].add(await self.running.mail_as_it_came(mail["id"]))
        return found

    async def messages(self) -> dict[str, dict[str, Any]]:
        """What notifications knows of the mails of this flow's assignments, by Message-ID."""
        query = "SELECT id FROM assignments WHERE lead_id = ANY($1)"
        assignments = [row["id"] for row in await self.running.rows("routing", query, self._ids)]
        query = "SELECT * FROM messages WHERE purpose = 'lead_delivery' AND subject_id = ANY($1)"
        return {row["header_id"]: row for row in await self.running.rows("notifications", query, assignments)}


@pytest.fixture
async def flow(running: Running) -> AsyncIterator[Flow]:
    """To three installers."""
    service = new_service()
    flow = Flow(running, service, [await running.add_installer(service) for _ in range(3)])
    yield flow
    await flow.give_up()


async def _kill_in_a_transaction(running: Running, service: str) -> None:
    """With SIGKILL, while it waits in its database for a lock that we hold: the rows before it are written."""
    owner, table = running.owners[service], WRITES_TO[service]
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"
    async with owner.transaction():
        await owner.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        await running.until(partial(running.number, service, waiting, table))
        await _kill(running, service)


async def _kill(running: Running, service: str) -> None:
    """Started anew at once, as a keeper does."""
    os.kill(running.child(service).pid, signal.SIGKILL)

    async def mended() -> bool:
        return running.system.supervisor.mend(lambda _death: None)

    await running.until(mended)


async def _stop(running: Running) -> dict[str, str]:
    """All at once, with SIGTERM; how each ended."""
    for service in SERVICES:
        running.child(service).ask_to_stop()
    waits = [asyncio.to_thread(running.child(service).wait_until_ended) for service in SERVICES]
    faults = await asyncio.gather(*waits, return_exceptions=True)
    said = ["ended well" if fault is None else str(fault).partition(";")[0] for fault in faults]
    return dict(zip(SERVICES, said, strict=True))


async def _start(running: Running) -> None:
    for service in SERVICES:
        running.child(service).start()
    await running.until_ready(*SERVICES)


async def _mails_that_nobody_recorded(running: Running, flow: Flow) -> bool:
    """The mail server has some that notifications has not heard of."""
    accepted = {header for header, message in (await flow.messages()).items() if message["state"] == "accepted"}
    return bool((await flow.mails()).keys() - accepted)


class TestKill:
    async def test_of_each_service_at_work_loses_no_lead_and_bills_none_twice(
        self, running: Running, flow: Flow
    ) -> None:
        for service in WRITES_TO:
            flow.hand_in(fives=3)
            await _kill_in_a_transaction(running, service)
        async with running.mail_fault(action="slow", stage="accepted", seconds=1):
            flow.hand_in(fives=3)
            await running.until(partial(_mails_that_nobody_recorded, running, flow), RECOVERY_SECONDS)
            await _kill(running, "notifications")
        await flow.all_accepted()
        await running.until_ready(*SERVICES)
        await running.until(flow.settled, RECOVERY_SECONDS)
        await running.until(flow.every_sent_assignment_is_billed, RECOVERY_SECONDS)
        assert await running.parked() == {}
        assert len(flow.lead_ids) == 60
        assert len(await flow.sent()) == 12 * (3 + 3)
        await self._no_copy_too_many(flow)

    async def _no_copy_too_many(self, flow: Flow) -> None:
        """A mail goes out again only where its outcome was unknown, and then as the same mail to the byte."""
        mails, messages = await flow.mails(), await flow.messages()
        assert mails.keys() == messages.keys()
        allowed = {header: 1 + message["unknown_outcomes"] for header, message in messages.items()}
        assert {header: copies for header, copies in mails.items() if copies > allowed[header]} == {}
        assert sum(message["unknown_outcomes"] for message in messages.values()) > 0
        assert {message["state"] for message in messages.values()} == {"accepted"}
        assert {header for header, copies in (await flow.contents()).items() if len(copies) > 1} == set()


class TestStop:
    async def test_ends_each_service_in_time_and_well_and_nothing_is_done_twice(
        self, running: Running, flow: Flow
    ) -> None:
        async with running.mail_fault(action="slow", stage="accepted", seconds=0.5):
            flow.hand_in(fives=4)
            await running.until(partial(_mails_that_nobody_recorded, running, flow))
            began = monotonic()
            ends = await _stop(running)
            took_seconds = monotonic() - began
        await _start(running)
        assert ends == dict.fromkeys(SERVICES, "ended well")
        assert took_seconds < GRACEFUL_SECONDS
        await flow.all_accepted()
        await running.until(flow.settled, RECOVERY_SECONDS)
        await running.until(flow.every_sent_assignment_is_billed, RECOVERY_SECONDS)
        assert set((await flow.mails()).values()) == {1}
        assert await running.parked() == {}
