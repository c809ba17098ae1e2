"""Where amounts, prices and quantities come into billing over HTTP, and what each way of them leads to."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from chassis.ids import new_id
from contracts.values import ProductType
from services.billing.http.fields import LARGEST_AMOUNT_CENTS, LARGEST_PRICE_CENTS
from tests.billing.arrangements import Books, client_state, march, sent
from tests.billing.arrangements_settlement import client_invoices, receive
from tests.billing.desk import Desk, payment
from tests.kit.databases import RolledBackDatabase

ADMIN = "/admin/billing"
INVOICE, RECEIPTS = f"{ADMIN}/invoices/{{invoice_id}}", f"{ADMIN}/accounts/{{account_id}}/receipts"
PLANS, LINES = "/admin/installers/{installer_id}/price-plans", "/admin/ops/invoices/{invoice_id}/lines"
MOST_QUANTITY = 100_000
BEYOND_BIGINT = 10**30
NO_NUMBERS = (1.5, 100.0, "100", True)

Moves = Mapping[str, int]


def gst_of(cents: int) -> int:
    """A tenth, a half of a cent up."""
    return (cents + 5) // 10


def charged(cents: int) -> Moves:
    return {"receivable": cents + gst_of(cents), "revenue": -cents, "gst_payable": -gst_of(cents)}


def credited(cents: int) -> Moves:
    return {"receivable": -cents - gst_of(cents), "credits_given": cents, "gst_payable": gst_of(cents)}


def nothing(_cents: int) -> Moves:
    return {}


@dataclass(frozen=True)
class Way:
    """Where an amount comes in: what is sent with it, what the answer says of it, and what it moves in the books."""

    path: str
    field: str
    body: Callable[[Any], dict[str, Any]]
    told: Callable[[Any], int]
    moves: Callable[[int], Moves] = nothing
    least: int = 1
    most: int = LARGEST_AMOUNT_CENTS
    method: str = "POST"


def receipt(amount_cents: Any, **changed: Any) -> dict[str, Any]:
    return payment(amount_cents, f"bank {new_id()}", **changed)


def adjustment(type_: str, reason: str) -> Callable[[Any], dict[str, Any]]:
    return lambda cents: {"type": type_, "reason_code": reason, "amount_cents": cents, "notes": "Agreed by phone"}


def prices(exclusive_cents: Any, shared_cents: Any) -> dict[str, Any]:
    return {
        "effective_from": "2026-03-01T00:00:00Z",
        "exclusive_price_cents": exclusive_cents,
        "shared_price_cents": shared_cents,
        "reason": "Agreed",
    }


def line(quantity: Any, unit_price_cents: Any) -> dict[str, Any]:
    return {"description": "Advisory board", "quantity": quantity, "unit_price_cents": unit_price_cents}


def lines(quantity: Any, unit_price_cents: Any) -> dict[str, Any]:
    return {"version": 1, "lines": [line(quantity, unit_price_cents)]}


def amount_told(answer: Any) -> int:
    return int(answer["amount_cents"])


WAYS = {
    "payment": Way(
        f"{INVOICE}/payments",
        "amount_cents",
        receipt,
        lambda answer: answer["payment"]["amount_cents"],
        lambda cents: {"cash": cents, "receivable": -cents},
    ),
    "receipt": Way(RECEIPTS, "amount_cents", receipt, amount_told, lambda cents: {"cash": cents, "receivable": -cents}),
    "part": Way(
        RECEIPTS,
        "parts.0.amount_cents",
        lambda cents: receipt(LARGEST_AMOUNT_CENTS, parts=[{"invoice_id": "{invoice_id}", "amount_cents": cents}]),
        lambda answer: answer["payments"][0]["amount_cents"],
        lambda cents: {
            "cash": LARGEST_AMOUNT_CENTS,
            "receivable": -cents,
            "customer_credit": cents - LARGEST_AMOUNT_CENTS,
        },
    ),
    "split": Way(
        f"{RECEIPTS}/preview",
        "amount_cents",
        lambda cents: {"amount_cents": cents},
        lambda answer: answer["rest_cents"] + sum(part["amount_cents"] for part in answer["parts"]),
    ),
    "reversal": Way(
        f"{ADMIN}/payments/{{payment_id}}/reverse",
        "amount_cents",
        lambda cents: {"reason_code": "bounced", "amount_cents": cents},
        amount_told,
        lambda cents: {"cash": -cents, "receivable": cents},
    ),
    "rest": Way(
        f"{ADMIN}/receipts/{{receipt_id}}/reverse-rest",
        "amount_cents",
        lambda cents: {"reason_code": "refunded", "amount_cents": cents},
        amount_told,
        lambda cents: {"cash": -cents, "customer_credit": cents},
    ),
    "credit_applied": Way(
        f"{INVOICE}/apply-credit",
        "amount_cents",
        lambda cents: {"amount_cents": cents},
        lambda answer: -answer["customer_credit_cents"],
        lambda cents: {"receivable": -cents, "customer_credit": cents},
    ),
    "credit": Way(
        f"{INVOICE}/adjustments",
        "amount_cents",
        adjustment("credit", "system_fault"),
        lambda answer: answer["ex_gst_cents"],
        credited,
    ),
    "debit": Way(
        f"{INVOICE}/adjustments",
        "amount_cents",
        adjustment("debit", "price_correction"),
        lambda answer: answer["ex_gst_cents"],
        charged,
    ),
    "promise": Way(
        f"{INVOICE}/promises",
        "amount_cents",
        lambda cents: {"promised_for": "2026-04-20", "amount_cents": cents},
        amount_told,
    ),
    "exclusive_price": Way(
        PLANS,
        "exclusive_price_cents",
        lambda cents: prices(cents, 0),
        lambda answer: answer["exclusive_price_cents"],
        least=0,
        most=LARGEST_PRICE_CENTS,
    ),
    "shared_price": Way(
        PLANS,
        "shared_price_cents",
        lambda cents: prices(0, cents),
        lambda answer: answer["shared_price_cents"],
        least=0,
        most=LARGEST_PRICE_CENTS,
    ),
    "exclusive_price_tried": Way(
        f"{PLANS}/preview",
        "exclusive_price_cents",
        lambda cents: prices(cents, 0),
        lambda answer: answer["held_priced"]["cents_at_new_prices"],
        least=0,
        most=LARGEST_PRICE_CENTS,
    ),
    "shared_price_tried": Way(
        f"{PLANS}/preview",
        "shared_price_cents",
        lambda cents: prices(0, cents),
        lambda answer: answer["held_priced"]["cents_at_new_prices"],
        least=0,
        most=LARGEST_PRICE_CENTS,
    ),
    "line_price": Way(
        LINES,
        "lines.0.unit_price_cents",
        lambda cents: lines(1, cents),
        lambda answer: answer["total_cents"] - gst_of(answer["subtotal_cents"]),
        least=-LARGEST_PRICE_CENTS,
        most=LARGEST_PRICE_CENTS,
        method="PUT",
    ),
    "line_quantity": Way(
        LINES,
        "lines.0.quantity",
        lambda quantity: lines(quantity, LARGEST_PRICE_CENTS),
        lambda answer: answer["subtotal_cents"] // LARGEST_PRICE_CENTS,
        most=MOST_QUANTITY,
        method="PUT",
    ),
}


@dataclass
class Scene:
    """What the ways lead to, by the names that their paths have for it."""

    books: Books
    desk: Desk
    ids: dict[str, UUID] = field(default_factory=dict)
    draft_id: UUID | None = None

    async def send(self, way: Way, value: Any) -> httpx.Response:
        """A credit over the limit is agreed to by another operator: the answer is of that."""
        ids = {name: str(id_) for name, id_ in self.ids.items()}
        if way.path == LINES:
            ids["invoice_id"] = str(self.draft_id)
        body = way.body(value)
        for part in body.get("parts", ()):
            part["invoice_id"] = ids["invoice_id"]
        answer = await self.desk.ask(way.method, way.path.format(**ids), body)
        if answer.status_code != 202:
            return answer
        approve = f"{ADMIN}/adjustments/{answer.json()['id']}/approve"
        return await self.desk.ask("POST", approve, headers=self.desk.as_another(UUID(int=7)))

    async def moved(self, before: Moves) -> Moves:
        after = await self.books.trial_balance()
        moved = {account: after.get(account, 0) - before.get(account, 0) for account in {*before, *after}}
        return {account: cents for account, cents in moved.items() if cents}

    async def traces(self) -> Any:
        """Of everything that is done to money there is one of these at least."""
        counts = (f"(SELECT count(*) FROM {table})" for table in ("journal_entries", "audit_entries", "outbox"))
        return tuple((await self.books.rows(f"SELECT {', '.join(counts)}"))[0])

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        assert isinstance(self.books.database, RolledBackDatabase)
        savepoint = await self.books.database.connection.begin_nested()
        yield
        await savepoint.rollback()


async def scene_of(books: Books, desk: Desk, owed_cents: int, rest_cents: int, paid_cents: int) -> Scene:
    """A client with an invoice of so much ex GST, money that no invoice took, a payment of it; a draft; held leads."""
    scene = Scene(books, desk)
    (invoice_id,) = await client_invoices(books, owed_cents)
    account_id = (await books.invoice(invoice_id)).account_id
    paid = await books.pay(invoice_id, paid_cents, "bank 1")
    rest = await receive(books, account_id, rest_cents, {})
    installer_id = await books.installer()
    await books.deliver(*(sent(installer_id, march(3), product) for product in ProductType))
    scene.ids = {
        "invoice_id": invoice_id,
        "account_id": account_id,
        "payment_id": paid.payment.id,
        "receipt_id": rest.receipt.id,
        "installer_id": installer_id,
    }
    scene.draft_id = await books.board_draft(client=client_state(new_id()))
    return scene


def refused(way: Way) -> Iterator[tuple[Any, str]]:
    yield from ((value, "greater_than_equal") for value in (way.least - 1, -BEYOND_BIGINT))
    yield from ((value, "less_than_equal") for value in (way.most + 1, BEYOND_BIGINT))
    yield from ((value, "int_type") for value in NO_NUMBERS)


def taken(way: Way) -> list[int]:
    return sorted({way.least, max(0, way.least), 1, way.most})
