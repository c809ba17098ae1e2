"""Where everything is: addresses of servers that exist already, else of those that we start."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.paths import ENDPOINTS
from deploy.local.postgres import ServiceDatabase


@dataclass(frozen=True)
class Stripe:
    """`webhook_secret` signs the platform's events, `connect_webhook_secret` those of connected accounts."""

    api_base: str
    api_key: str
    webhook_secret: str
    connect_webhook_secret: str

    def environment(self) -> dict[str, str]:
        return {
            "STRIPE_API_BASE": self.api_base,
            "STRIPE_API_KEY": self.api_key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "STRIPE_CONNECT_WEBHOOK_SECRET": self.connect_webhook_secret,
        }


@dataclass
class Addresses:
    """Filled while the system starts. `mailbox_url` and `webhook_sink_url` are None where the mail server is not ours:
    then installers are somebody's."""

    environment: str
    clock_file: Path | None
    services: dict[str, str]
    databases: dict[str, ServiceDatabase] = field(default_factory=dict)
    kafka_bootstrap_servers: str = ""
    smtp_url: str = ""
    mailbox_url: str | None = None
    webhook_sink_url: str | None = None
    stripe: Stripe | None = None

    @property
    def is_local(self) -> bool:
        return self.environment == "local"

    def database(self, service: str) -> dict[str, str]:
        return self.databases[service].environment()

    def for_services(self) -> dict[str, str]:
        """What every service is told; its own database and port come on top."""
        told = {
            "WAYBILL_ENVIRONMENT": self.environment,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
            "SMTP_URL": self.smtp_url,
            "CONSOLE_ADDRESSES": json.dumps(self.services),
            "IDENTITY_JWKS_URL": f"{self.services['identity']}/.well-known/jwks.json",
            **(self.stripe.environment() if self.stripe else {}),
            **({"WEBHOOK_LOCAL_NETWORKS": '["127.0.0.0/8"]'} if self.webhook_sink_url and self.is_local else {}),
        }
        return told | ({"WAYBILL_CLOCK_FILE": str(self.clock_file)} if self.clock_file else {})

    def as_endpoints(self) -> dict[str, Any]:
        """The form of `var/endpoints.json`; `operators` and `lead_sources` are for who makes them."""
        return {
            "environment": self.environment,
            "clock_file": str(self.clock_file) if self.clock_file else None,
            "services": {
                name: {
                    "url": url,
                    "database_url": self.databases[name].url,
                    "database_owner_url": self.databases[name].owner_url,
                }
                for name, url in self.services.items()
            },
            "kafka": {"bootstrap_servers": self.kafka_bootstrap_servers},
            "smtp": {"url": self.smtp_url},
            "mailbox_url": self.mailbox_url,
            "webhook_sink_url": self.webhook_sink_url,
            "stripe": {"url": self.stripe.api_base, "api_key": self.stripe.api_key} if self.stripe else None,
            "operators": [],
            "lead_sources": [],
        }


def existing_database(service: str, environment: Mapping[str, str]) -> ServiceDatabase | None:
    """The one that the caller's environment names; without an owner's URL the serving role owns it."""
    url = environment.get(f"DATABASE_URL_{service.upper()}")
    return ServiceDatabase(service, url, environment.get(f"DATABASE_OWNER_URL_{service.upper()}", url)) if url else None


def existing_stripe(environment: Mapping[str, str]) -> Stripe | None:
    """A key alone is not enough: without a base our simulator is used, and no real key ever reaches it."""
    base = environment.get("STRIPE_API_BASE")
    if not base:
        return None
    return Stripe(
        base,
        environment.get("STRIPE_API_KEY", ""),
        environment.get("STRIPE_WEBHOOK_SECRET", ""),
        environment.get("STRIPE_CONNECT_WEBHOOK_SECRET", ""),
    )


def own_stripe(port: int) -> Stripe:
    return Stripe(
        f"http://127.0.0.1:{port}",
        f"sk_test_{secrets.token_hex(16)}",
        f"whsec_{secrets.token_hex(16)}",
        f"whsec_{secrets.token_hex(16)}",
    )


def write_endpoints(endpoints: Mapping[str, Any], file: Path = ENDPOINTS) -> None:
    """Whole or not at all, and for our eyes only: it holds passwords."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".next")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(endpoints, indent=2) + "\n")
    draft.replace(file)


def read_endpoints(file: Path = ENDPOINTS) -> dict[str, Any] | None:
    if not file.exists():
        return None
    endpoints: dict[str, Any] = json.loads(file.read_text())
    return endpoints


def record_sign_ins(
    *, operators: list[dict[str, str]] | None = None, lead_sources: list[dict[str, str]] | None = None
) -> None:
    """Adds to `var/endpoints.json` who may sign in (`email`, `password`, `totp_secret`, `role`) or send leads
    (`name`, `api_key`)."""
    endpoints = read_endpoints()
    if endpoints is None:
        raise LookupError(f"no system runs: there is no {os.fspath(ENDPOINTS)}")
    endpoints["operators"] += operators or []
    endpoints["lead_sources"] += lead_sources or []
    write_endpoints(endpoints)
