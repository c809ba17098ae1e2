"""Carries events to the endpoints: signed, in the background, again and again until it is answered with 2xx.

The signature's timestamp is the machine's clock, never the injected one: the SDK compares it with the machine's time
and refuses what is older than five minutes, however far business time has been moved.
"""

import asyncio
import hmac
import time
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_hex

import httpx

from deploy.local.stripe.errors import Json
from deploy.local.stripe.event_log import Event
from deploy.local.stripe.settings import EndpointAddress, Settings
from deploy.local.stripe.tables import new_id

_LONGEST_RETRY_SECONDS = 30.0


@dataclass(slots=True)
class Endpoint:
    """`connect` endpoints hear of connected accounts alone, the others of the platform alone."""

    id: str
    url: str
    secret: str
    connect: bool
    enabled_events: list[str]
    created: int = 0
    lasting: bool = False
    """Named when the simulator was started, so that a reset leaves it."""
    description: str | None = None
    metadata: Json = field(default_factory=dict)

    def hears(self, event: Event) -> bool:
        if self.connect != (event.account is not None):
            return False
        return "*" in self.enabled_events or event.type in self.enabled_events


@dataclass(slots=True)
class Delivery:
    event: Event
    endpoint: Endpoint
    attempt: int = 1


class Courier:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.endpoints: dict[str, Endpoint] = {}
        self.copies = 1
        self.is_paused = False
        self.is_dropping = False
        self.held: deque[Delivery] = deque()
        self.attempts = 0
        self.under_way = 0
        self._queues: dict[str, asyncio.Queue[Delivery]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._end_of_dropping: asyncio.TimerHandle | None = None
        self._client: httpx.AsyncClient | None = None
        for address in settings.webhooks:
            self.add(address, lasting=True)

    def add(
        self,
        address: EndpointAddress,
        enabled_events: list[str] | None = None,
        *,
        created: int = 0,
        lasting: bool = False,
    ) -> Endpoint:
        endpoint = Endpoint(
            new_id("webhook_endpoint"),
            address.url,
            address.secret,
            address.connect,
            enabled_events or ["*"],
            created,
            lasting,
        )
        self.endpoints[endpoint.id] = endpoint
        self._queues[endpoint.id] = asyncio.Queue()
        if self._client is not None:
            self._open(endpoint)
        return endpoint

    def remove(self, identifier: str) -> None:
        del self.endpoints[identifier], self._queues[identifier]
        worker = self._workers.pop(identifier, None)
        if worker is not None:
            worker.cancel()

    def clear(self) -> None:
        for endpoint in list(self.endpoints.values()):
            if endpoint.lasting:
                self._queues[endpoint.id] = asyncio.Queue()
                self._reopen(endpoint)
            else:
                self.remove(endpoint.id)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.held.clear()
        self._stop_dropping()
        self.copies, self.is_paused, self.attempts = 1, False, 0

    def start(self) -> None:
        self._client = httpx.AsyncClient(timeout=self._settings.webhook_timeout_seconds, trust_env=False)
        for endpoint in self.endpoints.values():
            self._open(endpoint)

    async def stop(self) -> None:
        for worker in self._workers.values():
            worker.cancel()
        if self._client is not None:
            await self._client.aclose()

    def carry(self, event: Event) -> None:
        for endpoint in self.endpoints.values():
            if endpoint.hears(event):
                event.undelivered.add(endpoint.id)
                self.send(Delivery(event, endpoint))

    def send(self, delivery: Delivery) -> None:
        """Dropped ones stay undelivered for good: only a resend or a reading of `/v1/events` brings them."""
        if self.is_dropping:
            return
        for _copy in range(self.copies):
            self._enqueue(delivery)

    def pause(self) -> None:
        """Holds what comes, and what still waits; the delivery that is under way ends as it may."""
        self.is_paused = True
        for queue in self._queues.values():
            while not queue.empty():
                self.held.append(queue.get_nowait())

    def drop(self, seconds: float | None) -> None:
        """Until `resume`, or for so many seconds."""
        self._stop_dropping()
        self.is_dropping = True
        if seconds is not None:
            self._end_of_dropping = asyncio.get_running_loop().call_later(seconds, self._stop_dropping)

    def resume(self, *, backwards: bool = False) -> int:
        """Delivers what was held, in the order it happened or the reverse, and says how many that were."""
        self._stop_dropping()
        self.is_paused = False
        held = list(self.held)[:: -1 if backwards else 1]
        self.held.clear()
        for delivery in held:
            self._enqueue(delivery)
        return len(held)

    def state(self) -> Json:
        return {
            "paused": self.is_paused,
            "dropping": self.is_dropping,
            "copies": self.copies,
            "held": len(self.held),
            "waiting": sum(queue.qsize() for queue in self._queues.values()) + len(self._timers),
            "under_way": self.under_way,
            "attempts": self.attempts,
        }

    def _stop_dropping(self) -> None:
        self.is_dropping = False
        if self._end_of_dropping is not None:
            self._end_of_dropping.cancel()
            self._end_of_dropping = None

    def _open(self, endpoint: Endpoint) -> None:
        self._workers[endpoint.id] = asyncio.create_task(self._work(self._queues[endpoint.id]))

    def _reopen(self, endpoint: Endpoint) -> None:
        worker = self._workers.pop(endpoint.id, None)
        if worker is not None:
            worker.cancel()
            self._open(endpoint)

    def _enqueue(self, delivery: Delivery) -> None:
        queue = self._queues.get(delivery.endpoint.id)
        if self.is_paused:
            self.held.append(delivery)
        elif queue is not None:
            queue.put_nowait(delivery)

    async def _work(self, queue: asyncio.Queue[Delivery]) -> None:
        """One delivery at a time for an endpoint, so that the order is ours to choose."""
        while True:
            delivery = await queue.get()
            if await self._deliver(delivery):
                delivery.event.undelivered.discard(delivery.endpoint.id)
            elif delivery.attempt < self._settings.webhook_attempts:
                self._retry_later(delivery)

    async def _deliver(self, delivery: Delivery) -> bool:
        if self._client is None:
            return False
        self.attempts += 1
        self.under_way += 1
        body = delivery.event.as_text().encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(body, delivery.endpoint.secret),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            answer = await self._client.post(delivery.endpoint.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        finally:
            self.under_way -= 1
        return answer.is_success

    def _retry_later(self, delivery: Delivery) -> None:
        wait_seconds = min(self._settings.webhook_retry_seconds * 2 ** (delivery.attempt - 1), _LONGEST_RETRY_SECONDS)
        again = Delivery(delivery.event, delivery.endpoint, delivery.attempt + 1)

        def retry() -> None:
            self._timers.discard(timer)
            self._enqueue(again)

        timer = asyncio.get_running_loop().call_later(wait_seconds, retry)
        self._timers.add(timer)


def sign(body: bytes, secret: str) -> str:
    timestamp = int(time.time())
    signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()
    return f"t={timestamp},v1={signature}"


def new_secret() -> str:
    return "whsec_" + token_hex(16)
