"""The load counts what it was answered, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import cycle

import pytest

from benchmarks.submissions import submission, submissions
from benchmarks.workers.load import Crowd, drive
from contracts.values import SelectedPath
from deploy.local.paths import free_port
from services.intake.http.lead_body import LeadSubmission

REQUEST = b"POST /leads HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
Answer = Callable[[int], Awaitable[bytes]]
"""What the nth request is answered with."""


def response(status: int, body: bytes = b'{"id": "lead"}') -> bytes:
    return b"HTTP/1.1 %d Told\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def taken(_number: int) -> bytes:
    return response(202)


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[int]:
    """A server on a port of its own, which is told how many requests came before."""
    seen = 0
    open_connections: set[asyncio.StreamWriter] = set()
    all_left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        open_connections.add(writer)
        all_left.clear()
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                seen += 1
                writer.write(await answer(seen))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            open_connections.discard(writer)
            if not open_connections:
                all_left.set()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield port
    finally:
        server.close()
        async with asyncio.timeout(10):
            await all_left.wait()


def requests() -> Iterator[bytes]:
    return cycle([REQUEST])


class TestLoad:
    async def test_ends_after_the_count_that_was_asked_for(self) -> None:
        async with answering(taken) as port:
            load = await drive(Crowd(requests(), count=50), port, connections=4, seconds=0, warm_up_seconds=0)
        assert load.answers >= 50
        assert load.failures == 0

    async def test_an_answer_of_another_status_is_a_failure(self) -> None:
        async def refused(number: int) -> bytes:
            return response(500 if number % 2 else 202)

        async with answering(refused) as port:
            crowd = Crowd(requests())
            load = await drive(crowd, port, connections=1, seconds=0.3, warm_up_seconds=0)
        assert load.failures > 0
        assert load.answers > 0

    async def test_a_latency_counts_from_when_the_request_was_due(self) -> None:
        """The only connection is held up: what falls due meanwhile waits, and says so."""

        async def slow(number: int) -> bytes:
            await asyncio.sleep(0.25 if number == 1 else 0)
            return response(202)

        async with answering(slow) as port:
            crowd = Crowd(requests(), rate=100)
            await drive(crowd, port, connections=1, seconds=0.6, warm_up_seconds=0)
        assert sum(latency > 0.1 for latency in crowd.latencies) > 5

    async def test_keeps_which_lead_was_due_when(self) -> None:
        async def with_id(number: int) -> bytes:
            return response(202, json.dumps({"id": str(number)}).encode())

        async with answering(with_id) as port:
            crowd = Crowd(requests(), count=5, is_recording=True)
            await drive(crowd, port, connections=1, seconds=0, warm_up_seconds=0)
        assert [lead_id for lead_id, _ in crowd.recorded] == ["1", "2", "3", "4", "5"]
        due = [at for _, at in crowd.recorded]
        assert due == sorted(due)

    def test_intake_takes_whatever_a_run_is_called(self) -> None:
        """A run's name moves its telephone numbers through the plan."""
        for run in map(str, range(400)):
            LeadSubmission.model_validate_json(json.dumps(submission(run, 999)))

    @pytest.mark.parametrize("path", [None, SelectedPath.RECOMMENDED_INSTALLER])
    def test_no_two_leads_are_alike(self, path: SelectedPath | None) -> None:
        bodies = [json.loads(body) for body, _ in zip(submissions("run", path), range(300), strict=False)]
        for name in ("client_submission_key", "email", "phone"):
            assert len({body[name] for body in bodies}) == 300
        assert {body["selected_path"] for body in bodies} == ({path} if path else set(SelectedPath))
