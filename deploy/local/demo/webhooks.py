"""Two installers take their leads by webhook: one verifies each and rotates its secret, the other's server is down.

Its breaker opens, one lead is tried when the server works again, the others follow: billed are those that were taken.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from deploy.local.demo.stage import Stage

STEADY, BROKEN = "Southern Sun Solar", "Yarra Renewables"
PROBE_AFTER = timedelta(minutes=6)
"""A little longer than a breaker waits before it lets one through."""


async def set_up_webhooks(stage: Stage) -> None:
    """Before any lead: each gets a secret, is tested, and one rotates its secret."""
    for name in (STEADY, BROKEN):
        url = f"{_sink(stage)}/{_address(name)}"
        wanted = {"channel": "webhook", "url": url, "reason": "They take leads by their own system"}
        answer = await stage.dispatcher.put("routing", _path(stage, name), wanted)
        await _control(stage, name, secrets=[answer["secret"]])
        await stage.dispatcher.post("routing", f"{_path(stage, name)}/test")
        await stage.reader.until(f"{name}'s test", partial(_untested, stage, name))
    why = {"reason": "The first one was sent by mail"}
    rotated = await stage.dispatcher.post("routing", f"{_path(stage, STEADY)}/rotate-secret", why)
    await _control(stage, STEADY, secrets=[rotated["secret"]])
    await _control(stage, BROKEN, status=503)
    stage.tell(
        f"{STEADY} and {BROKEN} take leads by signed webhook, both tested; one secret rotated, one server is down"
    )


async def heal_the_broken_one(stage: Stage) -> None:
    """Its breaker has opened; the server comes back, and after a while one lead is tried."""
    await stage.reader.until("the breaker that opens", lambda: _breakers_to_open(stage))
    # What is under way would fail behind the move, and open the breaker anew.
    await stage.reader.until("the last tries to end", lambda: stage.reader.number("routing", UNDER_WAY))
    held = await stage.reader.number("routing", WAITING, stage.installers[BROKEN])
    await _control(stage, BROKEN, status=None)
    # A try that still meets the broken server would open it anew, at the time to which the clock is moved.
    await stage.reader.until("tries under way", lambda: stage.reader.number("routing", SENDING))
    stage.move_to(stage.now() + PROBE_AFTER)
    await stage.reader.until("the breaker that closes", lambda: _breakers_open(stage))
    stage.tell(f"the breaker of {BROKEN} opened with {held} leads on their way, and closed when one was taken")


SENDING = "SELECT count(*) FROM webhook_deliveries WHERE state = 'sending'"
WAITING = "SELECT count(*) FROM assignments WHERE status = 'pending' AND channel = 'webhook' AND installer_id = $1"
UNDER_WAY = "SELECT count(*) FROM webhook_deliveries WHERE state = 'sending'"
OPEN = "SELECT count(*) FROM delivery_endpoints WHERE channel = 'webhook' AND breaker <> 'closed'"


async def _breakers_open(stage: Stage) -> int:
    return await stage.reader.number("routing", OPEN)


async def _breakers_to_open(stage: Stage) -> int:
    return 1 - await _breakers_open(stage)


async def _untested(stage: Stage, name: str) -> int:
    tested = "SELECT count(*) FROM delivery_endpoints WHERE installer_id = $1 AND tested_at IS NOT NULL"
    return 1 - await stage.reader.number("routing", tested, stage.installers[name])


async def received(stage: Stage) -> dict[str, Any]:
    """What the installers' own servers say that they took, by their addresses."""
    answer = await stage.client.get(f"{_sink(stage)}/control/")
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


async def _control(stage: Stage, name: str, **told: Any) -> None:
    (await stage.client.put(f"{_sink(stage)}/control/{_address(name)}", json=told)).raise_for_status()


def _sink(stage: Stage) -> str:
    url = stage.addresses.webhook_sink_url
    if url is None:
        raise RuntimeError("the demonstration plays installers' servers: it needs those of the machine room")
    return url


def _address(name: str) -> str:
    return name.lower().replace(" ", "-")


def _path(stage: Stage, name: str) -> str:
    return f"/admin/installers/{stage.installers[name]}/delivery"
