"""How one simulator is set up: from the command line, else from the environment."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DEFAULT_API_KEY = "sk_test_waybill_local"


@dataclass(frozen=True, slots=True)
class EndpointAddress:
    url: str
    secret: str
    connect: bool


@dataclass(frozen=True, slots=True)
class Settings:
    host: str
    port: int
    """0 takes a free one; the line printed at the start names it."""
    api_key: str
    clock_file: Path | None
    webhooks: tuple[EndpointAddress, ...]
    webhook_attempts: int
    webhook_retry_seconds: float
    """The wait before the first retry; it doubles from there up to 30 seconds."""
    webhook_timeout_seconds: float
    fee_basis_points: int
    onboarding: str
    """`instant`: a requested capability is active at once; `manual`: only after `/_control/accounts/{id}/onboard`."""
    currency: str
    country: str

    @classmethod
    def read(cls, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Self:
        given = _parser(environment).parse_args(arguments)
        return cls(
            host=given.host,
            port=given.port,
            api_key=given.api_key,
            clock_file=Path(given.clock_file) if given.clock_file else None,
            webhooks=(*_addresses(given.webhook, connect=False), *_addresses(given.webhook_connect, connect=True)),
            webhook_attempts=given.webhook_attempts,
            webhook_retry_seconds=given.webhook_retry_seconds,
            webhook_timeout_seconds=given.webhook_timeout_seconds,
            fee_basis_points=given.fee_basis_points,
            onboarding=given.onboarding,
            currency=given.currency,
            country=given.country,
        )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.stripe", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--api-key", default=environment.get("STRIPE_API_KEY", DEFAULT_API_KEY))
    parser.add_argument("--clock-file", default=environment.get("WAYBILL_CLOCK_FILE", ""))
    parser.add_argument(
        "--webhook", action="append", metavar="URL=SECRET", default=environment.get("STRIPE_WEBHOOKS", "").split()
    )
    parser.add_argument(
        "--webhook-connect",
        action="append",
        metavar="URL=SECRET",
        default=environment.get("STRIPE_CONNECT_WEBHOOKS", "").split(),
    )
    parser.add_argument("--webhook-attempts", type=int, default=12)
    parser.add_argument("--webhook-retry-seconds", type=float, default=0.25)
    parser.add_argument("--webhook-timeout-seconds", type=float, default=10)
    parser.add_argument("--fee-basis-points", type=int, default=0)
    parser.add_argument("--onboarding", choices=("instant", "manual"), default="instant")
    parser.add_argument("--currency", default="aud")
    parser.add_argument("--country", default="AU")
    return parser


def _addresses(given: Sequence[str], *, connect: bool) -> list[EndpointAddress]:
    return [_address(entry, connect=connect) for entry in given]


def _address(entry: str, *, connect: bool) -> EndpointAddress:
    """An empty secret is refused: whoever signs with nothing can be imitated by anyone."""
    url, separator, secret = entry.rpartition("=")
    if not separator or not secret or not url.startswith(("http://", "https://")):
        raise SystemExit(f"a webhook is given as URL=SECRET, both present; got {entry!r}")
    return EndpointAddress(url, secret, connect)
