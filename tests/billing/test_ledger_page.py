"""docs/ledger.md says what the journal does: its tables name all there is, and its example comes out as it says."""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from uuid import UUID

from chassis.ids import new_id
from contracts.values import AdjustmentType, InvoiceKind
from deploy.local.paths import ROOT
from services.billing.commands.payouts import PayoutMoved, PayoutStep, post_payouts
from services.billing.commands.reconciling import post_movements
from services.billing.domain.adjustments import DebitReason
from services.billing.domain.journal import LedgerAccount, PostingKind
from services.billing.domain.reconciliation import ItemKind, StripeItem
from services.billing.models import SeenItem
from services.billing.queries.books import ALL, compare_all
from tests.billing.arrangements import NOW, Books, client_state
from tests.billing.arrangements_settlement import (
    apply_credit,
    approve_writing_off,
    ask_to_write_off,
    receive,
    take_payment_back,
    take_rest_back,
    unapply,
    undo_write_off,
    void_whole,
)
from tests.billing.arrangements_stripe import pay_at_stripe

PAGE = (ROOT / "docs" / "ledger.md").read_text()
DEBIT = {"type": AdjustmentType.DEBIT, "reason_code": DebitReason.PRICE_CORRECTION}
Amounts = dict[str, int]


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their heads."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return [cells for cells in found if cells[0] not in {"account", "posting", "equality", "step", "---"}]


def cents(text: str) -> int:
    return round(float(text.replace(",", "")) * 100)


def entries_of(cell: str) -> Amounts:
    """`account` 1,000.00, …"""
    return {account: cents(amount) for account, amount in re.findall(r"`(\w+)` ([\d,]+\.\d\d)", cell)}


@dataclass(frozen=True)
class Step:
    number: int
    amounts: list[int]
    """In cents, as the sentence names them."""
    postings: list[tuple[str, Amounts]]


def steps() -> Iterator[Step]:
    found: dict[int, Step] = {}
    for cells in (cells for cells in rows_of("An example") if cells[0].isdigit()):
        _, said, kind, debit, credit = cells
        entries = entries_of(debit) | {account: -amount for account, amount in entries_of(credit).items()}
        step = found.setdefault(int(cells[0]), Step(int(cells[0]), [], []))
        step.amounts.extend(cents(amount) for amount in re.findall(r"\$([\d,]+\.\d\d)", said))
        step.postings.append((kind.strip("`"), entries))
    yield from found.values()


@dataclass
class Worked:
    """The example's client and its invoices."""

    books: Books
    client_id: UUID = field(default_factory=new_id)
    invoices: list[UUID] = field(default_factory=list)
    ids: dict[str, UUID] = field(default_factory=dict)

    async def issue(self, amount: int) -> None:
        draft = await self.books.board_draft(amount, client=client_state(self.client_id))
        await self.books.issue(draft, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)
        self.invoices.append(draft)

    async def issue_and_credit(self, amount: int, credit: int) -> None:
        await self.issue(amount)
        await self.books.credit(self.invoices[-1], credit)

    async def apply(self, amount: int) -> None:
        await apply_credit(self.books, self.invoices[1], amount, self.ids.setdefault("application", new_id()))

    async def receive(self, amount: int, part: int) -> None:
        received = await receive(self.books, self.client_id, amount, {self.invoices[1]: part})
        self.ids |= {"receipt": received.receipt.id, "payment": received.payments[0].id}

    async def write_off(self) -> None:
        asked = await ask_to_write_off(self.books, self.invoices[1])
        self.ids["write_off"] = (await approve_writing_off(self.books, asked.id)).id

    async def payout(self, step: PayoutStep, amount: int) -> None:
        payout_id, expert_id = self.ids.setdefault("payout", new_id()), self.ids.setdefault("expert", new_id())
        async with self.books.unit() as session:
            await post_payouts(session, [PayoutMoved(step, new_id(), payout_id, expert_id, amount, NOW)], NOW)

    async def stripe(self, item: StripeItem) -> None:
        """As a comparison keeps what moves Stripe's balance, and posts it."""
        async with self.books.unit() as session:
            session.add(SeenItem(**asdict(item), seen_at=NOW))
            await post_movements(session, [item], NOW)


def movement(id_: str, type_: str, cents: int, fee_cents: int = 0) -> StripeItem:
    return StripeItem(ItemKind.MOVEMENT, id_, "available", cents, "aud", NOW, fee_cents=fee_cents, type=type_)


Work = Callable[[Worked, list[int]], Awaitable[object]]
WORK: dict[int, Work] = {
    1: lambda it, given: it.issue(given[0]),
    2: lambda it, given: it.issue(given[0]),
    3: lambda it, given: it.books.credit(it.invoices[0], given[0], **DEBIT),
    4: lambda it, given: it.books.credit(it.invoices[0], given[0]),
    5: lambda it, given: it.books.pay(it.invoices[0], given[0], "transfer 1"),
    6: lambda it, given: pay_at_stripe(it.books, it.invoices[0], given[0]),
    7: lambda it, given: it.apply(given[0]),
    8: lambda it, given: unapply(it.books, it.ids["application"]),
    9: lambda it, given: it.receive(given[0], given[1]),
    10: lambda it, given: take_payment_back(it.books, it.ids["payment"]),
    11: lambda it, given: take_rest_back(it.books, it.ids["receipt"], given[0]),
    12: lambda it, given: it.write_off(),
    13: lambda it, given: undo_write_off(it.books, it.ids["write_off"]),
    14: lambda it, given: it.issue_and_credit(given[0], given[1]),
    15: lambda it, given: void_whole(it.books, it.invoices[2]),
    16: lambda it, given: it.payout(PayoutStep.ALLOCATED, given[0]),
    17: lambda it, given: it.payout(PayoutStep.SENT, given[0]),
    18: lambda it, given: it.payout(PayoutStep.REVERSED, given[0]),
    19: lambda it, given: it.stripe(movement("txn_19", "charge", 50_000, given[0])),
    20: lambda it, given: it.stripe(movement("txn_20", "payout", -given[0])),
}


async def posted(books: Books) -> list[tuple[str, Amounts]]:
    rows = await books.rows(
        "SELECT p.kind, e.account, e.amount_cents, p.id FROM journal_postings p "
        "JOIN journal_entries e ON e.posting_id = p.id ORDER BY p.id, e.entry_no"
    )
    found: dict[UUID, tuple[str, Amounts]] = {}
    for row in rows:
        found.setdefault(row.id, (row.kind, {}))[1][row.account] = row.amount_cents
    return list(found.values())


async def test_the_example_comes_out_as_it_says(books: Books) -> None:
    worked, before = Worked(books), 0
    for step in steps():
        await WORK[step.number](worked, step.amounts)
        now = await posted(books)
        assert now[before:] == step.postings, f"step {step.number}"
        before = len(now)
    balances = {
        cells[0].strip("`"): cents(cells[1] or "0") - cents(cells[2] or "0")
        for cells in rows_of("An example")
        if not cells[0].isdigit()
    }
    assert await books.trial_balance() == balances
    assert sum(balances.values()) == 0
    async with books.database.reading() as session:
        assert [verdict.name for verdict in await compare_all(session, NOW) if verdict.offender_count] == []


class TestTheTables:
    def test_name_every_account(self) -> None:
        assert [cells[0].strip("`") for cells in rows_of("Accounts")] == [str(account) for account in LedgerAccount]

    def test_name_every_posting_and_an_example_of_each(self) -> None:
        assert {cells[0].strip("`") for cells in rows_of("Postings")} == {str(kind) for kind in PostingKind}
        assert {kind for step in steps() for kind, _ in step.postings} == {str(kind) for kind in PostingKind}

    def test_name_every_equality_of_a_certificate(self) -> None:
        said = [(cells[0].strip("`"), cells[1]) for cells in rows_of("What must be equal")]
        assert said == [(each.name, each.title) for each in ALL.values()]

    def test_name_the_accounts_that_the_example_uses(self) -> None:
        """On the side on which it has them."""
        said = {
            cells[0].strip("`"): [set(re.findall(r"`(\w+)`", cell)) for cell in cells[2:]]
            for cells in rows_of("Postings")
        }
        for step in steps():
            for kind, entries in step.postings:
                debit, credit = said[kind]
                assert {account for account, amount in entries.items() if amount > 0} <= debit, kind
                assert {account for account, amount in entries.items() if amount < 0} <= credit, kind
