"""Deliveries that no price plan covers. Their months cannot close; a price that covers their day takes them away."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from chassis.console.cells import Kind, Shown
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from contracts.identity import Capability
from contracts.values import ProductType
from services.billing.models import Account, HeldDelivery
from services.billing.pages.deliveries import ACCOUNTS, lead_title
from services.billing.pages.doors import account_name, account_path
from services.billing.pages.filters import Month

ROOM = "held"
PATH = "/console/held-deliveries"
LIMIT = timedelta(days=1)
"""A delivery that is without a price for longer is late."""
WAITS = HeldDelivery.released_at.is_(None)


def cure_of(installer_id: UUID, *, is_known: bool) -> Shown:
    """Of a delivery that waits: the door is the field of the day from which prices are set."""
    if not is_known:
        return Shown("Waits for the installer's own record")
    return Shown("Set prices", path=f"{account_path(installer_id)}#set_prices-effective_day")


def _cure(row: Row[Any]) -> str:
    return "Priced" if row.released is not None else str(_cure_of(row).value)


def _cure_path(row: Row[Any]) -> str:
    return _cure_of(row).path


def _cure_of(row: Row[Any]) -> Shown:
    return cure_of(row.installer_id, is_known=row.installer is not None)


LISTING = Listing(
    name=ROOM,
    title="Held deliveries",
    noun=("delivery", "deliveries"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(HeldDelivery).outerjoin(Account, Account.id == HeldDelivery.installer_id),
    key=HeldDelivery.assignment_id,
    order="delivered",
    columns=(
        Column("lead", "Lead", HeldDelivery.locality, say=lambda row: lead_title(row.service, row.lead)),
        Column(
            "installer",
            "Installer",
            Account.name,
            say=lambda row: row.installer or "Not known to billing yet",
            path=lambda row: f"{ACCOUNTS}/{row.installer_id}" if row.installer else "",
        ),
        Column("product", "Product", HeldDelivery.product_type, Kind.WORD),
        Column("delivered", "No price for", HeldDelivery.delivered_at, Kind.DAY, sorts=True),
        Column(
            "held",
            "Held",
            HeldDelivery.held_at,
            Kind.AGO,
            is_late=late_after(LIMIT, "held", unless=lambda row: row.released is not None),
        ),
        Column("cure", "What cures it", HeldDelivery.reason_code, say=_cure, path=_cure_path),
        Column("released", "Priced", HeldDelivery.released_at, Kind.AGO, is_extra=True),
        Column("cap", "Cap", HeldDelivery.cap_status, Kind.WORD, is_extra=True),
        Column("lead_id", "Lead id", HeldDelivery.lead_id, Kind.ID, is_extra=True),
    ),
    also={"service": HeldDelivery.service, "installer_id": HeldDelivery.installer_id},
    filters=(
        Search(
            "q",
            "Installer, locality or id",
            texts=(Account.name, HeldDelivery.locality),
            ids=(HeldDelivery.assignment_id, HeldDelivery.lead_id, HeldDelivery.installer_id),
        ),
        Choice("state", "State", options=(Option("waits", "Waits", WAITS), Option("priced", "Priced", ~WAITS))),
        Choice("product", "Product", options=among(HeldDelivery.product_type, ProductType)),
        Month("month", "Month", column=HeldDelivery.delivered_at),
        Days("delivered", "Delivered", column=HeldDelivery.delivered_at),
        Exact("installer_id", "Installer", column=HeldDelivery.installer_id, name_of=account_name),
    ),
    tabs=(Tab("Wait for a price", "state=waits"), Tab("Priced", "state=priced"), Tab("All")),
    empty=Empty(
        "Every delivery has its price",
        "A lead that is delivered on a day without a price for its installer is held here, and its month stays open.",
        "circle-check",
    ),
    note="Each is billed at the price of its own day, as soon as there is one. Until then its month cannot be closed.",
)

ROUTES = routes_of(LISTING)
