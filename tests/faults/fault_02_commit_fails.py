"""Units of work that fail at their COMMIT: after the handler has returned, before anybody is answered."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx

from tests.faults.fault import Fault, Round
from tests.faults.rig import ANSWER_SECONDS, Rig
from tests.kit.eventually import eventually

WAYS = ("constraint", "backend", "disk")
"""A deferred constraint refuses; the session's backend is ended; the disk is full, as far as a client hears of it."""

_INSTALL = """
CREATE SCHEMA failing;
CREATE FUNCTION failing.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.name LIKE 'Doomed constraint%' THEN
        RAISE EXCEPTION 'ordered by a test' USING ERRCODE = 'check_violation';
    ELSIF NEW.name LIKE 'Doomed disk%' THEN
        RAISE EXCEPTION 'ordered by a test' USING ERRCODE = 'disk_full';
    ELSIF NEW.name LIKE 'Doomed backend%' THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER failing AFTER INSERT ON public.leads DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION failing.fail();
CREATE CONSTRAINT TRIGGER failing AFTER INSERT ON public.clients DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION failing.fail();
"""
_REMOVE = (
    "DROP TRIGGER failing ON public.leads",
    "DROP TRIGGER failing ON public.clients",
    "DROP SCHEMA failing CASCADE",
)
ROWS = "SELECT (SELECT count(*) FROM leads WHERE name = $1) + (SELECT count(*) FROM clients WHERE name = $1)"


class CommitFails(Fault):
    number = 2
    injects = "COMMIT fails after the handler has returned: a deferred constraint, an ended backend, a full disk"
    holds = "the answer is a 5xx and nothing is there, never a 2xx; asked again when it is over, it is done once (I6)"

    async def inject(self, at: Round) -> None:
        for turn in range(at.scale.times):
            async with at.rig.hold("intake"):
                doomed = [(way, at.load.submission(), at.chance.getrandbits(40)) for way in WAYS]
                async with _failing(at.rig):
                    for way, lead, number in doomed:
                        name = f"Doomed {way} {turn} {number}"
                        lead["name"] = name
                        await self._refuse(at, name, await _answered(partial(at.rig.running.post_lead, lead)))
                        await self._refuse(at, name, await _answered(partial(_add_client, at.rig, name)))
                for _, lead, _ in doomed:
                    answer = await _answered(partial(at.rig.running.post_lead, lead))
                    at.require(answer.is_success, f"asked again, a lead was answered {answer.status_code}")
                    at.load.answers[lead["client_submission_key"]].add(answer.json()["id"])

    async def _refuse(self, at: Round, name: str, answer: httpx.Response) -> None:
        rows = await at.rig.number("intake", ROWS, name)
        at.require(answer.status_code >= 500, f"{name} was answered {answer.status_code}")
        at.require(not rows, f"{name} was answered {answer.status_code} and is there")
        at.note("commits that failed")


async def _answered(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Asked again where a connection was kept that a process before this one had."""

    async def answered() -> list[httpx.Response]:
        try:
            return [await ask()]
        except httpx.TransportError as away:
            raise AssertionError("intake is away") from away

    (answer,) = await eventually(answered, ANSWER_SECONDS)
    return answer


async def _add_client(rig: Rig, name: str) -> httpx.Response:
    body: dict[str, Any] = {"name": name, "billing_email": "accounts@doomed.example"}
    return await rig.running.ask("POST", "intake", "/admin/clients", json=body)


@asynccontextmanager
async def _failing(rig: Rig) -> AsyncIterator[None]:
    await rig.processes["intake"].until_ready()
    await rig.execute("intake", _INSTALL)
    try:
        yield
    finally:
        await rig.execute("intake", *_REMOVE)
