"""Credits that others ask for: proposals wait for finance here, and what is agreed to for its invoice."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, case, func, select

from chassis.console.business_days import MEANT_NOTE, business_days_until, say_left
from chassis.console.cells import Kind
from chassis.console.listing import (
    NOW,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Flag,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from contracts.identity import Capability
from contracts.values import CreditReason
from services.billing.domain.adjustments import CREDIT_DAYS
from services.billing.domain.credit_requests import FINAL, CreditResult
from services.billing.models import Account, CreditRequest, DeliveryEvent, HeldDelivery
from services.billing.pages.deliveries import lead_title
from services.billing.pages.doors import account_name, account_path

ROOM = "credit-proposals"
PATH = "/console/credit-proposals"
WAITING = "state=proposed&sort=asked"
QUEUE = f"{PATH}?{WAITING}"

STATES: Mapping[str, str] = {
    CreditResult.PROPOSED: "To decide",
    CreditResult.WAITS_FOR_INVOICE: "Waits for its invoice",
    CreditResult.PENDING_APPROVAL: "Waits for a second operator",
    CreditResult.CREDITED: "Credited",
    CreditResult.VOIDED: "Never billed",
    CreditResult.NOT_CHARGED: "Nothing to credit",
    CreditResult.DECLINED: "Declined",
    CreditResult.REFUSED: "Refused",
}
NOT_DELIVERED = "Waits for its delivery"
TONES: Mapping[str, str] = {
    CreditResult.PROPOSED: "warning",
    CreditResult.WAITS_FOR_INVOICE: "info",
    CreditResult.PENDING_APPROVAL: "warning",
    CreditResult.CREDITED: "positive",
    CreditResult.VOIDED: "positive",
    CreditResult.REFUSED: "danger",
}

IS_PROPOSED = CreditRequest.result == CreditResult.PROPOSED
DAYS_LEFT = business_days_until(CreditRequest.asked_at) + CREDIT_DAYS - business_days_until(NOW)
DELIVERED_AT = func.coalesce(DeliveryEvent.delivered_at, HeldDelivery.delivered_at)


def _is_late(row: Row[Any], _now: Any) -> bool:
    return row.left is not None and row.left < 0


def say_state(result: str | None) -> str:
    return STATES[result] if result else NOT_DELIVERED


def _says_lead(row: Row[Any]) -> str:
    return lead_title(row.service, row.locality) if row.service else NOT_DELIVERED


ROWS: Select[Any] = (
    select()
    .select_from(CreditRequest)
    .outerjoin(Account, Account.id == CreditRequest.installer_id)
    .outerjoin(DeliveryEvent, DeliveryEvent.assignment_id == CreditRequest.assignment_id)
    .outerjoin(HeldDelivery, HeldDelivery.assignment_id == CreditRequest.assignment_id)
)

LISTING = Listing(
    name=ROOM,
    title="Credit proposals",
    noun=("request", "requests"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=CreditRequest.request_id,
    order="-asked",
    note=f"A returned lead proposes its credit: finance agrees or declines within {CREDIT_DAYS} business days. "
    f"What a merge or a correction asks for is agreed to already. {MEANT_NOTE}",
    columns=(
        Column("lead", "Lead", func.coalesce(DeliveryEvent.service, HeldDelivery.service), say=_says_lead, wraps=True),
        Column("installer", "Installer", Account.name, path=lambda row: account_path(row.installer_id), wraps=True),
        Column("reason", "Reason", CreditRequest.reason_code, Kind.WORD),
        Column("price", "Unit price", DeliveryEvent.unit_price_cents, Kind.MONEY, sums=True),
        Column("state", "State", CreditRequest.result, Kind.CHIP, say=lambda row: say_state(row.state), tone=TONES),
        Column("asked_by", "Asked by", CreditRequest.asked_by_name),
        Column("asked", "Asked", CreditRequest.asked_at, Kind.AGO, sorts=True),
        Column(
            "left", "Time left", case((IS_PROPOSED, DAYS_LEFT)), say=lambda row: say_left(row.left), is_late=_is_late
        ),
        Column("decided_by", "Decided by", CreditRequest.decided_by_name, is_extra=True),
        Column("delivered", "Delivered", DELIVERED_AT, Kind.AGO, is_extra=True),
        Column("deed", "Because of", CreditRequest.deed, Kind.WORD, is_extra=True),
        Column("detail", "Told", CreditRequest.detail, wraps=True, is_extra=True),
        Column("assignment_id", "Assignment id", CreditRequest.assignment_id, Kind.ID, is_extra=True),
    ),
    also={
        "installer_id": CreditRequest.installer_id,
        "service": func.coalesce(DeliveryEvent.service, HeldDelivery.service),
        "locality": func.coalesce(DeliveryEvent.locality, HeldDelivery.locality),
    },
    filters=(
        Search(
            "q",
            "Installer, person or id",
            texts=(Account.name, CreditRequest.asked_by_name),
            ids=(
                CreditRequest.request_id,
                CreditRequest.deed_id,
                CreditRequest.assignment_id,
                CreditRequest.lead_id,
            ),
        ),
        Choice(
            "state",
            "State",
            options=(
                *among(CreditRequest.result, CreditResult, STATES),
                Option("undelivered", NOT_DELIVERED, CreditRequest.result.is_(None)),
            ),
        ),
        Choice("reason", "Reason", options=among(CreditRequest.reason_code, CreditReason)),
        Choice("due", "Decision", options=(Option("late", "Late", IS_PROPOSED & (DAYS_LEFT < 0)),)),
        Flag("proposals", "Proposals alone", condition=CreditRequest.is_proposal),
        Days("asked", "Asked", column=CreditRequest.asked_at),
        Exact("installer_id", "Installer", column=CreditRequest.installer_id, name_of=account_name),
    ),
    tabs=(
        Tab("To decide", WAITING),
        Tab("Late", "due=late&sort=asked"),
        Tab("Waiting for an invoice", "state=waits_for_invoice"),
        Tab("Decided", "&".join(f"state={state}" for state in CreditResult if state in FINAL)),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No credit is proposed",
        "A return that is accepted, a merge or a correction of a lead that somebody was charged for comes here.",
        "circle-check",
    ),
)

ROUTES = routes_of(LISTING)
