"""A simulator in its own process, the real SDK to call it with, and a server that its webhooks arrive at."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import stripe

from chassis.clock import ShiftedClock
from tests.kit.eventually import eventually_sync

API_KEY = "sk_test_of_the_rig_0000"
PLATFORM_SECRET = "whsec_platform"
CONNECT_SECRET = "whsec_connect"
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Delivered:
    """One POST as it came over the wire."""

    path: str
    body: bytes
    signature: str

    @property
    def event(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass
class Mailbox:
    """What arrived, and how many of the next POSTs are refused with a 500."""

    url: str
    delivered: list[Delivered] = field(default_factory=list)
    refusals_left: int = 0
    arrival: threading.Condition = field(default_factory=threading.Condition)

    def take_in(self, delivery: Delivered) -> int:
        with self.arrival:
            self.delivered.append(delivery)
            self.arrival.notify_all()
            if self.refusals_left > 0:
                self.refusals_left -= 1
                return 500
            return 200

    def wait_for(self, count: int, type_: str | None = None) -> list[Delivered]:
        """The first deliveries (of one event type), as soon as there are `count` of them."""

        def found() -> list[Delivered]:
            return [one for one in self.delivered if type_ is None or one.event["type"] == type_]

        with self.arrival:
            assert self.arrival.wait_for(lambda: len(found()) >= count, PATIENCE_SECONDS), self.types()
            return found()

    def types(self) -> list[str]:
        return [one.event["type"] for one in self.delivered]

    def clear(self) -> None:
        with self.arrival:
            self.delivered.clear()
            self.refusals_left = 0


@dataclass
class Rig:
    url: str
    process: subprocess.Popen[str]
    clock_file: Path
    mailbox: Mailbox
    http: httpx.Client

    @property
    def sdk(self) -> stripe.StripeClient:
        """The real SDK, without retries of its own: a test wants to see each answer."""
        return self.client()

    def client(self, api_key: str = API_KEY, *, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(api_key, base_addresses={"api": self.url}, max_network_retries=retries)

    def control(self, path: str, /, **fields: object) -> dict[str, Any]:
        return self._answer(self.http.post(f"{self.url}/_control/{path}", json=fields))

    def look(self, path: str) -> dict[str, Any]:
        return self._answer(self.http.get(f"{self.url}/_control/{path}"))

    def state(self) -> dict[str, Any]:
        return self.look("state")

    def call(self, method: str, path: str, form: str = "", **headers: str) -> httpx.Response:
        """Without the SDK, for what the SDK would not send."""
        sent = {"Authorization": f"Bearer {API_KEY}", **{name.replace("_", "-"): v for name, v in headers.items()}}
        return self.http.request(method, self.url + path, content=form, headers=sent)

    def move_clock(self, **step: float) -> None:
        clock = ShiftedClock(self.clock_file)
        clock.move_to(clock.now() + timedelta(**step))

    def customer(self, **fields: Any) -> stripe.Customer:
        terms: Any = {"name": "Sunny Roofs Pty Ltd", "email": "ap@sunny.example", **fields}
        return self.sdk.v1.customers.create(terms)

    def gst(self, *, inclusive: bool = False) -> stripe.TaxRate:
        return self.sdk.v1.tax_rates.create(
            {"display_name": "GST", "percentage": 10, "inclusive": inclusive, "country": "AU", "tax_type": "gst"}
        )

    def draft(self, *amounts: int, tax_rate: str | None = None, **fields: Any) -> stripe.Invoice:
        """A draft with a line per amount in cents, taxed at `tax_rate` where one is given."""
        customer = fields.pop("customer", None) or self.customer().id
        terms: Any = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 7, **fields}
        invoice = self.sdk.v1.invoices.create(terms)
        rates = {"tax_rates": [tax_rate]} if tax_rate else {}
        lines = [{"amount": amount, "description": f"Line of {amount}", **rates} for amount in amounts]
        return self.add_lines(invoice, *lines) if lines else invoice

    def add_lines(self, invoice: stripe.Invoice, *lines: object) -> stripe.Invoice:
        terms: Any = {"lines": list(lines)}
        return self.sdk.v1.invoices.add_lines(invoice.id, terms)

    def issued(self, *amounts: int, tax_rate: str | None = None, **fields: Any) -> stripe.Invoice:
        draft = self.draft(*amounts, tax_rate=tax_rate, **fields)
        return self.sdk.v1.invoices.finalize_invoice(draft.id, {"auto_advance": False})

    def expert(self, **fields: Any) -> stripe.Account:
        capabilities = {"transfers": {"requested": True}}
        terms: Any = {"type": "custom", "country": "AU", "capabilities": capabilities, **fields}
        return self.sdk.v1.accounts.create(terms)

    def transfer(self, destination: str, amount: int, key: str | None = None, **fields: Any) -> stripe.Transfer:
        options: Any = {"idempotency_key": key} if key else {}
        terms: Any = {"amount": amount, "currency": "aud", "destination": destination, **fields}
        return self.sdk.v1.transfers.create(terms, options)

    def wait_for_deliveries(self) -> None:
        """Until no webhook is waiting or under way; held ones stay held."""
        self.until(lambda: not any(self.look("webhooks")[name] for name in ("waiting", "under_way")))

    def until(self, condition: Callable[[], bool]) -> None:
        """For what happens in the other process; fails after a deadline."""
        eventually_sync(condition, PATIENCE_SECONDS)

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        response.raise_for_status()
        content: dict[str, Any] = response.json()
        return content


@contextmanager
def receiving() -> Iterator[Mailbox]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = mailbox.take_in(Delivered(self.path, body, self.headers["Stripe-Signature"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """The simulator hangs up on a delivery when it is reset or stopped: no one's fault."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)  # type: ignore[arg-type]

    server = Server(("127.0.0.1", 0), Handler)
    mailbox = Mailbox(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield mailbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running(directory: Path, mailbox: Mailbox, *extra: str) -> Iterator[Rig]:
    clock_file = directory / "clock"
    command = [
        *(sys.executable, "-m", "deploy.local.stripe", "--port", "0", "--api-key", API_KEY),
        *("--clock-file", str(clock_file), "--webhook-retry-seconds", "0.05"),
        *("--webhook", f"{mailbox.url}/platform={PLATFORM_SECRET}"),
        *("--webhook-connect", f"{mailbox.url}/connect={CONNECT_SECRET}"),
        *extra,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            with httpx.Client(timeout=PATIENCE_SECONDS) as http:
                yield Rig(url, process, clock_file, mailbox, http)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)
