"""Who is billed: installers and clients, by which terms, at which prices, and what each owes."""

from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from chassis.console.cells import Kind
from chassis.console.listing import (
    NOW,
    Amount,
    Choice,
    Column,
    Empty,
    Flag,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.models import Account, PricePlan
from services.billing.queries.standings import HELD_BY_INSTALLER, OWED_BY_ACCOUNT

ROOM = "accounts"
PATH = "/console/accounts"
IS_INSTALLER = Account.kind == InvoiceKind.INSTALLER
OWED = func.coalesce(OWED_BY_ACCOUNT.c.cents, 0)
HELD = func.coalesce(HELD_BY_INSTALLER.c.number, 0)
TERMS = func.coalesce(Account.terms_override_days, Account.agreed_terms_days)


def _price_now(price: Any) -> ColumnElement[int]:
    """Of the version that is in force; none before the first, and none once they are closed."""
    in_force = select(price).where(PricePlan.installer_id == Account.id, PricePlan.effective_from <= NOW)
    return in_force.order_by(PricePlan.effective_from.desc()).limit(1).scalar_subquery()


EXCLUSIVE, SHARED = _price_now(PricePlan.exclusive_price_cents), _price_now(PricePlan.shared_price_cents)


def _says_terms(row: Row[Any]) -> str:
    return "House terms" if row.terms is None else f"{row.terms} days"


LISTING = Listing(
    name=ROOM,
    title="Accounts",
    noun=("account", "accounts"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(Account)
    .outerjoin(OWED_BY_ACCOUNT, OWED_BY_ACCOUNT.c.account_id == Account.id)
    .outerjoin(HELD_BY_INSTALLER, HELD_BY_INSTALLER.c.installer_id == Account.id),
    key=Account.id,
    order="name",
    columns=(
        Column("name", "Name", Account.name, sorts=True),
        Column("kind", "Kind", Account.kind, Kind.WORD),
        Column("abn", "ABN", Account.abn),
        Column("terms", "Terms", TERMS, say=_says_terms),
        Column("stripe", "Stripe customer", Account.stripe_customer_id, Kind.ID),
        Column("exclusive", "Exclusive", EXCLUSIVE, Kind.MONEY),
        Column("shared", "Shared", SHARED, Kind.MONEY),
        Column(
            "held",
            "Held",
            HELD,
            Kind.NUMBER,
            path=lambda row: f"/console/held-deliveries?state=waits&installer_id={row.id}" if row.held else "",
        ),
        Column("hold", "Credit hold", Account.credit_hold_since, Kind.AGO),
        Column("credit", "Credit", Account.customer_credit_cents, Kind.MONEY, sums=True),
        Column("owed", "Outstanding", OWED, Kind.MONEY, sorts=True, sums=True),
        Column("billing_name", "Billed as", Account.billing_name, is_extra=True),
        Column("email", "Billing e-mail", Account.billing_email, is_extra=True),
        Column("gst_registered", "GST registered", Account.gst_registered, Kind.YES_NO, is_extra=True),
        Column("since", "Since", Account.created_at, Kind.AGO, sorts=True, is_extra=True),
    ),
    filters=(
        Search(
            "q",
            "Name, ABN, e-mail, Stripe customer or id",
            texts=(
                Account.name,
                Account.billing_name,
                Account.billing_email,
                Account.abn,
                Account.stripe_customer_id,
            ),
            ids=(Account.id,),
            normal=lambda typed: typed.replace(" ", "") if typed.replace(" ", "").isdigit() else "",
        ),
        Choice("kind", "Kind", options=among(Account.kind, InvoiceKind)),
        Choice(
            "stripe",
            "Stripe customer",
            options=(
                Option("yes", "Has one", Account.stripe_customer_id.is_not(None)),
                Option("no", "Has none", Account.stripe_customer_id.is_(None)),
            ),
        ),
        Amount("owed", "Outstanding", column=OWED),
        Amount("credit", "Credit", column=Account.customer_credit_cents),
        Flag("on_hold", "On credit hold", condition=Account.credit_hold),
        Flag("unpriced", "Without a price", condition=IS_INSTALLER & EXCLUSIVE.is_(None)),
    ),
    tabs=(
        Tab("All"),
        Tab("Installers", "kind=installer"),
        Tab("Clients", "kind=client"),
        Tab("Owe us", "owed_min=0.01&sort=-owed"),
        Tab("Have credit", "credit_min=0.01"),
        Tab("Without a price", "unpriced=true"),
        Tab("On hold", "on_hold=true"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No accounts",
        "An installer that is added in Installers, and a client whose board is closed, comes here by itself.",
        "building-2",
    ),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
