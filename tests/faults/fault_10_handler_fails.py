"""A handler that fails for one event, a few times, and then does not."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID

from tests.faults.fault import Fault, Round
from tests.faults.subscriptions import SUBSCRIPTIONS
from tests.kit.eventually import eventually

LEADS = next(one for one in SUBSCRIPTIONS if one.topic == "intake.leads")
FAILURES = 3
BESIDE_IT = 20
"""Leads of other keys that come with it."""
FETCH_SECONDS = 1.0
"""Longer than a broker keeps a fetch for which there is nothing."""
QUICKEST_SECONDS = 0.1
"""Ten tries a second at the most."""

# Together with others the event makes their transaction fail, so that it is found by halves; alone it fails three
# times. Sequences keep what is undone: how often, and when.
_INSTALL = """
CREATE SCHEMA failing;
CREATE SEQUENCE failing.tries;
{clocks}
CREATE FUNCTION failing.fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    try bigint;
BEGIN
    IF NEW.suburb <> '{suburb}' THEN
        RETURN NULL;
    END IF;
    IF (SELECT count(*) FROM public.inbox WHERE xmin = pg_current_xact_id()::xid) > 1 THEN
        RAISE EXCEPTION 'ordered by a test';
    END IF;
    try := nextval('failing.tries');
    IF try <= {last} THEN
        PERFORM setval('failing.try_' || try, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    END IF;
    IF try <= {failures} THEN
        RAISE EXCEPTION 'ordered by a test';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER failing AFTER INSERT ON public.dispatches FOR EACH ROW EXECUTE FUNCTION failing.fail();
"""
_REMOVE = ("DROP TRIGGER failing ON public.dispatches", "DROP SCHEMA failing CASCADE")
SEQ = "SELECT coalesce(max(seq), 0) FROM witness.applied WHERE consumer = $1 AND event_id = $2"


class HandlerFailsAndRecovers(Fault):
    number = 10
    injects = f"a handler that raises {FAILURES} times for one event among others, and then succeeds"
    holds = "it is applied once and not parked (I3), not tried more than ten times a second; the others go before it"

    is_alone = True

    async def inject(self, at: Round) -> None:
        for _ in range(at.scale.times):
            async with at.rig.hold("routing"), at.load.paused():
                await self._fail_for_one(at, f"Thrice {at.chance.getrandbits(40)}")

    async def _fail_for_one(self, at: Round, suburb: str) -> None:
        await at.rig.processes["routing"].until_ready()
        lasts = range(1, FAILURES + 2)
        clocks = "\n".join(f"CREATE SEQUENCE failing.try_{number};" for number in lasts)
        await at.rig.execute(
            "routing", _INSTALL.format(suburb=suburb, clocks=clocks, failures=FAILURES, last=FAILURES + 1)
        )
        try:
            key = await self._send_among_others(at, suburb)
            await eventually(lambda: self._is_applied(at, key), at.scale.settle_seconds)
            tries = [await at.rig.number("routing", f"SELECT last_value FROM failing.try_{number}") for number in lasts]
            count = await at.rig.number("routing", "SELECT last_value FROM failing.tries")
        finally:
            await at.rig.execute("routing", *_REMOVE)
        at.note("failures of a handler", FAILURES)
        at.require(count == FAILURES + 1, f"it was tried {count} times alone")
        waits = [(after - before) / 1_000 for before, after in pairwise(tries)]
        at.require(min(waits) >= QUICKEST_SECONDS, f"it was tried again after {min(waits):.3f} s")
        await self._others_went_before(at, key)

    async def _send_among_others(self, at: Round, suburb: str) -> str:
        """In one fetch, as routing is stopped while they come, and none of those before them can come again."""
        await eventually(lambda: self._has_settled_all(at), at.scale.settle_seconds)
        routing = at.rig.processes["routing"]
        lead = at.load.submission()
        # Its person is sealed: routing knows it by its place alone.
        lead["address"]["suburb"] = suburb
        routing.pause()
        try:
            # The fetch that is under way is answered without them.
            await asyncio.sleep(FETCH_SECONDS)
            answer = await at.rig.running.post_lead(lead)
            assert answer.is_success, answer.text
            at.load.answers[lead["client_submission_key"]].add(answer.json()["id"])
            await self._until_published(at)
            await at.load.send(BESIDE_IT)
            await self._until_published(at)
        finally:
            routing.resume()
        return str(answer.json()["id"])

    async def _has_settled_all(self, at: Round) -> bool:
        await self._until_published(at)
        return not await at.checker.lags([LEADS])

    async def _until_published(self, at: Round) -> None:
        async def published() -> bool:
            """What is not screened yet has no event."""
            if await at.rig.number("intake", "SELECT count(*) FROM leads WHERE status = 'received'"):
                return False
            return not any(at.checker.committed[id_].topic == LEADS.topic for id_ in await at.checker.read())

        await eventually(published, at.scale.settle_seconds)

    async def _is_applied(self, at: Round, key: str) -> bool:
        return bool(await at.rig.number("routing", "SELECT count(*) FROM lead_contacts WHERE lead_id = $1", UUID(key)))

    async def _others_went_before(self, at: Round, key: str) -> None:
        """Those that lie behind it in its own partition: no key waits for another's handler."""
        await at.checker.read()
        records = [one for one in at.checker.published.values() if one.topic == LEADS.topic]
        (ours,) = (one for one in records if one.key == key.encode())
        behind = [one for one in records if one.partition == ours.partition and one.offset > ours.offset]
        mine = await self._applied_at(at, ours)
        late = [one for one in behind if not 0 < await self._applied_at(at, one) < mine]
        at.require(not late, f"{len(late)} of {len(behind)} events of other keys waited for it")
        at.note("events of other keys that overtook it", len(behind) - len(late))

    async def _applied_at(self, at: Round, record: Any) -> int:
        event_id = UUID(dict(record.headers)["ce_id"].decode())
        return await at.rig.number("routing", SEQ, LEADS.consumer, event_id)

    async def verify(self, at: Round) -> None:
        query = "SELECT count(*) FROM parked_events WHERE consumer = $1 AND reason_code = 'handler_failed'"
        at.require(not await at.rig.number("routing", query, LEADS.consumer), "an event that recovered was parked")
