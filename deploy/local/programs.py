"""The programs of the system, one function each: how it is called, with which environment, when it is ready."""

import http.client
import os
import secrets
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from deploy.local.addresses import Addresses, Stripe
from deploy.local.child import Program
from deploy.local.paths import ROOT

# Who issues the invoices of a laptop. The ABN has valid check digits over a company number of the registry's examples.
SELLER = {
    "SELLER_NAME": "Waybill Marketplace Pty Ltd",
    "SELLER_ABN": "89000000019",
    "SELLER_ADDRESS": "1 Example Street, Sydney NSW 2000",
    "SELLER_EMAIL": "accounts@waybill.example",
    "SELLER_PAYMENT_DETAILS": "BSB 000-000, account 12345678",
}


def answers_200(url: str) -> Callable[[], bool]:
    """A readiness question; what does not answer in time is not ready."""
    parts = urlsplit(url)

    def ask() -> bool:
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == http.client.OK
        except http.client.HTTPException:
            return False
        finally:
            connection.close()

    return ask


def smtp_sink(smtp_port: int, http_port: int) -> Program:
    return Program(
        name="smtp",
        command=_python("deploy.local.smtp_sink", "--smtp-port", str(smtp_port), "--http-port", str(http_port)),
        environment=_environment(),
        directory=ROOT,
        ready=answers_200(f"http://127.0.0.1:{http_port}/health/ready"),
    )


def webhook_sink(port: int) -> Program:
    return Program(
        name="webhooks",
        command=_python("deploy.local.webhook_sink", "--port", str(port)),
        environment=_environment(),
        directory=ROOT,
        ready=answers_200(f"http://127.0.0.1:{port}/health/ready"),
    )


def stripe(addresses: Addresses, ours: Stripe) -> Program:
    webhook = f"{addresses.services['billing']}/webhooks/stripe={ours.webhook_secret}"
    connect = f"{addresses.services['payouts']}/webhooks/stripe={ours.connect_webhook_secret}"
    clock = ["--clock-file", str(addresses.clock_file)] if addresses.clock_file else []
    return Program(
        name="stripe",
        command=_python(
            "deploy.local.stripe",
            *("--port", str(urlsplit(ours.api_base).port), "--api-key", ours.api_key),
            *("--webhook", webhook, "--webhook-connect", connect, *clock),
        ),
        environment=_environment(),
        directory=ROOT,
        ready=answers_200(f"{ours.api_base}/_control/health"),
    )


def migration(addresses: Addresses) -> Program:
    """All six databases in one process, as most of the time goes into loading."""
    databases = {name: url for service in addresses.databases for name, url in addresses.database(service).items()}
    return Program(
        name="migrate",
        command=_python("deploy.migrate"),
        environment=_environment() | databases,
        directory=ROOT,
        ready_seconds=120,
    )


def service(name: str, addresses: Addresses) -> Program:
    url = addresses.services[name]
    own = {
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(urlsplit(url).port),
        # The owner's URL is for the migration alone: a service serves as a role that owns nothing.
        f"DATABASE_URL_{name.upper()}": addresses.databases[name].url,
    }
    return Program(
        name=name,
        command=_python(f"services.{name}", "all"),
        environment={**SELLER, **SECRETS.get(name, {}), **_environment(), **addresses.for_services(), **own},
        directory=ROOT,
        ready=answers_200(f"{url}/health/ready"),
        ready_seconds=60,
        stop_seconds=35,
    )


# Made anew for each system: what they protect lives as long as it does.
SECRETS = {
    "identity": {"IDENTITY_KEY_SECRET": secrets.token_urlsafe(32)},
    "billing": {"BILLING_KEY_SECRET": secrets.token_urlsafe(32)},
    "routing": {"ROUTING_KEY_SECRET": secrets.token_urlsafe(32)},
    "notifications": {"TICKET_TOKEN_SECRET": secrets.token_urlsafe(32)},
}


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _environment() -> dict[str, str]:
    """The caller's, less what we tell ourselves: no program learns of a database that is not its own."""
    return {name: setting for name, setting in os.environ.items() if not name.startswith("DATABASE_")}
