import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

import deploy.local.stripe as simulator
from deploy.local.stripe.app import Simulator
from deploy.local.stripe.settings import Settings
from tests.deploy.stripe.rig import API_KEY, receiving, running

REQUESTS = 1000
COUNTED = 50
MOST_TIMES_A_LOOK = 5
"""A transfer moves a balance and writes an event, and a look does not."""
MOST_TIMES_AT_THE_BEGINNING = 1.1
HERE = str(Path(simulator.__file__).parent)


@pytest.mark.slow
class TestSize:
    def test_stays_small(self, tmp_path: Path) -> None:
        with receiving() as mailbox, running(tmp_path, mailbox) as rig:
            rig.control("balance/top_up", amount=REQUESTS)
            form = f"amount=1&currency=aud&destination={rig.expert().id}"
            for number in range(REQUESTS):
                assert rig.call("POST", "/v1/transfers", form, Idempotency_Key=f"{number}").status_code == 200
            rig.wait_for_deliveries()
            assert psutil.Process(rig.process.pid).memory_info().rss < 100 * 1024 * 1024


class TestWork:
    async def test_is_the_same_at_the_end_as_at_the_beginning(self) -> None:
        """In lines that are run, whatever the machine: what looks through all that it keeps runs more of them."""
        app = Simulator(Settings.read(["--api-key", API_KEY], {}))
        authorised = {"Authorization": f"Bearer {API_KEY}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://stripe", headers=authorised
        ) as client:
            await self.done(client, "/_control/balance/top_up", json={"amount": REQUESTS})
            account = {"type": "custom", "country": "AU", "capabilities[transfers][requested]": "true"}
            expert_id = (await self.done(client, "/v1/accounts", data=account)).json()["id"]
            first = await self.transferred(client, expert_id, "first")
            look = await self.looked(client)
            for number in range(REQUESTS - 2 * COUNTED):
                await self.transfer(client, expert_id, f"{number}")
            last = await self.transferred(client, expert_id, "last")
            assert last < MOST_TIMES_AT_THE_BEGINNING * first
            assert await self.looked(client) < MOST_TIMES_AT_THE_BEGINNING * look
            assert first < MOST_TIMES_A_LOOK * look

    async def transferred(self, client: httpx.AsyncClient, expert_id: str, name: str) -> int:
        with counted_lines() as lines:
            for number in range(COUNTED):
                await self.transfer(client, expert_id, f"{name}-{number}")
        return lines[0]

    async def looked(self, client: httpx.AsyncClient) -> int:
        with counted_lines() as lines:
            for _ in range(COUNTED):
                assert (await client.get("/v1/balance")).status_code == 200
        return lines[0]

    async def transfer(self, client: httpx.AsyncClient, expert_id: str, key: str) -> None:
        form = {"amount": "1", "currency": "aud", "destination": expert_id}
        await self.done(client, "/v1/transfers", data=form, headers={"Idempotency-Key": key})

    async def done(self, client: httpx.AsyncClient, path: str, **content: Any) -> httpx.Response:
        answer = await client.post(path, **content)
        assert answer.status_code == 200, answer.text
        return answer


@contextmanager
def counted_lines() -> Iterator[list[int]]:
    """How many lines of the simulator's own are run meanwhile; one that is run again in a loop counts again."""
    lines, before = [0], sys.gettrace()

    def count(_frame: FrameType, what: str, _argument: object) -> Any:
        lines[0] += what == "line"
        return count

    def enter(frame: FrameType, _what: str, _argument: object) -> Any:
        return count if frame.f_code.co_filename.startswith(HERE) else None

    sys.settrace(enter)
    try:
        yield lines
    finally:
        sys.settrace(before)
