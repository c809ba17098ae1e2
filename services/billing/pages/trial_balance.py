"""The trial balance: what stands on each account, and whether the books tie."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Note, Table, show_document
from chassis.console.wording import money
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.http.journal import LedgerAccountView, TrialBalance, get_trial_balance
from services.billing.pages.journal import ACCOUNTS, PATH, ROOM


@page_at(f"{PATH}/trial-balance", Capability.READ_OPS)
async def show_trial_balance(
    request: Request[Any, Any, Any], console: Given[Console], database: Given[Database]
) -> Response[str]:
    balance: TrialBalance = await get_trial_balance.fn(database)
    document = Document(
        title="Trial balance",
        room=ROOM,
        up=("Journal", PATH),
        states=(chip("The books tie", "positive") if balance.ties else chip("The books do not tie", "danger"),),
        sentence=f"As of {console.wording.exact(console.clock.now())}: all that was ever posted.",
        notes=_differences(balance),
        sections=[_accounts(balance), _controls(balance)],
        links=[("Receivables", "/console/receivables"), ("Certificates", "/console/certificates")],
        timeline=None,
    )
    return show_document(console, request, document)


def _differences(balance: TrialBalance) -> list[Note]:
    """Each that there is; none where the books tie."""
    told = [
        (balance.debit_cents - balance.credit_cents, "Debit and credit differ"),
        (
            balance.receivable_ledger_cents - balance.receivable_invoices_cents,
            "The receivable differs from what the invoices owe",
        ),
        (
            balance.customer_credit_ledger_cents - balance.customer_credit_accounts_cents,
            "Customer credit differs from what the accounts say",
        ),
    ]
    return [
        Note(
            f"{what} by {money(cents)}",
            "Tell the platform's keepers: nothing an operator does brings this about.",
            "danger",
        )
        for cents, what in told
        if cents
    ]


def _accounts(balance: TrialBalance) -> Table:
    return Table(
        "Accounts",
        (("Account", Kind.TEXT), ("Debit", Kind.MONEY), ("Credit", Kind.MONEY), ("Balance", Kind.MONEY)),
        [_account(each) for each in balance.accounts],
        empty="Nothing was posted yet.",
        foot=(
            "Sum",
            Shown(balance.debit_cents, Kind.MONEY),
            Shown(balance.credit_cents, Kind.MONEY),
            Shown(balance.debit_cents - balance.credit_cents, Kind.MONEY),
        ),
        note="AUD. The balance is debit less credit.",
    )


def _account(each: LedgerAccountView) -> Sequence[Shown]:
    return (
        Shown(ACCOUNTS[each.account], path=f"{PATH}?on={each.account}"),
        Shown(each.debit_cents, Kind.MONEY),
        Shown(each.credit_cents, Kind.MONEY),
        Shown(each.balance_cents, Kind.MONEY),
    )


def _controls(balance: TrialBalance) -> Table:
    pairs = [
        ("Receivable, and what the invoices owe", balance.receivable_ledger_cents, balance.receivable_invoices_cents),
        (
            "Customer credit, and what the accounts say",
            balance.customer_credit_ledger_cents,
            balance.customer_credit_accounts_cents,
        ),
    ]
    return Table(
        "Do they tie",
        (("Control", Kind.TEXT), ("Journal", Kind.MONEY), ("Elsewhere", Kind.MONEY), ("Difference", Kind.MONEY)),
        [
            (
                title,
                Shown(ledger, Kind.MONEY),
                Shown(elsewhere, Kind.MONEY),
                Shown(ledger - elsewhere, Kind.MONEY),
            )
            for title, ledger, elsewhere in pairs
        ],
    )


ROUTES = (show_trial_balance,)
