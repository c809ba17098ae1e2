"""Leads in a steady stream. A source that gets no answer sends the same submission again until it gets one."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx

from tests.faults.boards import Boards
from tests.faults.rig import Rig
from tests.kit.eventually import eventually

SERVICE = "solar-under-fault"
NOBODY_DOES = "work-of-nobody"
STREET = "Fault Street"
INSTALLERS = 4
ANSWER_SECONDS = 60


class LeadRefused(Exception):
    """Nothing was wrong with it."""


@dataclass
class Load:
    """`answers` are the ids that each submission got; all but `refused` answers end in a 2xx."""

    rig: Rig
    chance: Random
    answers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _numbers: int = 0
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._flowing.set()
        self.boards = Boards(self.rig, self.chance, self._flowing)

    @property
    def accepted(self) -> int:
        return len(self.answers)

    async def open(self) -> None:
        """Installers who take what comes, without caps, at a price since long ago."""
        for _ in range(INSTALLERS):
            await self.rig.running.add_installer(SERVICE)
        await self.boards.open()

    @asynccontextmanager
    async def running(self, leads_per_second: float, boards_per_second: float) -> AsyncIterator[None]:
        """All that were begun have come to their end when the block has ended."""
        leads = asyncio.create_task(self._stream(leads_per_second))
        boards = asyncio.create_task(self.boards.stream(boards_per_second))
        try:
            yield
        finally:
            for stream in (leads, boards):
                stream.cancel()
            await asyncio.wait([leads, boards])
        for stream in (leads, boards):
            if not stream.cancelled():
                await stream
        await self.all_answered()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """No lead and no board is begun in the block, but by `send`."""
        self._flowing.clear()
        try:
            await self.all_answered()
            yield
        finally:
            self._flowing.set()

    async def send(self, leads: int) -> None:
        """So many at once, each with its answer."""
        for _ in range(leads):
            self._begin()
        await self.all_answered()

    async def one(self, service: str = SERVICE) -> UUID:
        """The id of a lead for one installer, who takes it where the service is one that somebody does."""
        body = self.submission() | {"service": service, "selected_path": "recommended_installer"}
        await self._until_accepted(body)
        (lead_id,) = self.answers[body["client_submission_key"]]
        return UUID(lead_id)

    async def all_answered(self) -> None:
        while self._under_way:
            done, self._under_way = self._under_way, set()
            await asyncio.gather(*done)

    async def _stream(self, leads_per_second: float) -> None:
        while True:
            await self._flowing.wait()
            self._begin()
            await asyncio.sleep(self.chance.expovariate(leads_per_second))

    def _begin(self) -> None:
        task = asyncio.create_task(self._until_accepted(self.submission()))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _until_accepted(self, body: dict[str, Any]) -> None:
        async def accepted() -> bool:
            return await self._post(body)

        await eventually(accepted, ANSWER_SECONDS)

    async def _post(self, body: dict[str, Any]) -> bool:
        try:
            answer = await self.rig.running.post_lead(body)
        except httpx.TransportError:
            self.unanswered += 1
            return False
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            self.answers[body["client_submission_key"]].add(answer.json()["id"])
        elif answer.status_code < 500:
            raise LeadRefused(f"a lead was refused: {answer.status_code} {answer.text}")
        return answer.is_success

    def submission(self) -> dict[str, Any]:
        """Of ten leads seven are exclusive, two are shared by three, and one is for nobody there."""
        self._numbers += 1
        number = self._numbers
        path = self.chance.choices(["recommended_installer", "compare_quotes"], [8, 2])[0]
        return {
            "client_submission_key": str(UUID(int=self.chance.getrandbits(128), version=4)),
            "selected_path": path,
            "service": self.chance.choices([SERVICE, NOBODY_DOES], [9, 1])[0],
            "name": f"Person {number}",
            "email": f"person-{number}@post.example",
            "phone": f"0491{570_000 + number % 10_000:06d}",
            "address": {
                "street": f"{number} {STREET}",
                "suburb": "Marrickville",
                "state": "NSW",
                "postcode": "2204",
            },
            "consent": {"text": "I agree to be contacted.", "url": "https://quotes.example/consent"},
        }
