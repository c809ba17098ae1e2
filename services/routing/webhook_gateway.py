"""Webhooks to installers: signed by the installer's secrets, sent by the guarded way out, judged by the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.outbound import Answer, Guard, Outbound
from chassis.telemetry.traces import SpanKind, span
from services.routing.commands.sending import Address
from services.routing.domain.signing import Keys, signed_headers
from services.routing.domain.webhooks import Judgement, judge
from services.routing.settings import Settings

HEADERS = {"Content-Type": "application/json", "User-Agent": "Waybill-Webhooks/1", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Judged:
    judgement: Judgement
    answer: Answer


class WebhookGateway:
    """`keys` is None where no secret is set: then nothing is sent, and no webhook is set up."""

    def __init__(
        self,
        outbound: Outbound,
        keys: Keys | None,
        machine_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._outbound = outbound
        self._machine_now = machine_now
        self.keys = keys

    @property
    def guard(self) -> Guard:
        return self._outbound.guard

    async def send(self, webhook_id: str, address: Address, body: bytes, now: datetime) -> Judged:
        """`now` is business time, by which a former secret is still good."""
        if self.keys is None:
            raise LookupError("no secret to sign webhooks by")
        secrets = self.keys.in_force(
            address.installer_id, address.secret_generation, address.previous_secret_until, now
        )
        headers = {**HEADERS, **signed_headers(webhook_id, self._machine_now(), body, secrets)}
        with span("webhook send", kind=SpanKind.CLIENT):
            answer = await self._outbound.post(address.url, headers, body)
        return Judged(judge(answer.status, answer.fault, answer.retry_after, self._machine_now()), answer)

    async def close(self) -> None:
        self.guard.close()


def gateway_of(settings: Settings) -> WebhookGateway:
    outbound = Outbound(Guard(settings.local_networks), settings.webhook_limits)
    keys = Keys(settings.key_secret.get_secret_value()) if settings.key_secret is not None else None
    return WebhookGateway(outbound, keys)
