"""One account: who is billed, by which terms and at which prices, what it was billed, and what waits for a price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Facts, Note, Section, Table, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import Moment, in_order, moments_of, refuse_if_changed, seen_of
from chassis.console.wording import counted, money, words
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.accounts import SetAccount
from services.billing.commands.house import House, terms_days
from services.billing.domain.abn import spaced
from services.billing.domain.statuses import is_overdue
from services.billing.http.accounts import set_by_operator
from services.billing.http.fields import StripeCustomerId
from services.billing.models import Account, HeldDelivery, Invoice, PricePlan
from services.billing.pages import holds
from services.billing.pages.accounts import PATH, ROOM
from services.billing.pages.deliveries import lead_title
from services.billing.pages.doors import invoice_path
from services.billing.pages.faults import told_beside
from services.billing.pages.holds import hold_actions
from services.billing.pages.invoice_words import invoice_title, status_chip
from services.billing.pages.plans import plan_actions, plan_table
from services.billing.queries import accounts
from services.billing.settings import Settings

MONEY = Capability.MANAGE_BILLING_OPS
EDIT = "edit"
SHOWN = 12
MOST_HELD = 500
VERBS = {"set_account": "changed how it is billed", "add_price_plan": "set its prices", **holds.VERBS}


class EditAccountForm(Form):
    """What finance knows of it; a field left empty takes back what stood there."""

    terms_override_days: Annotated[int, Field(ge=0, le=365)] | None = None
    stripe_customer_id: StripeCustomerId | None = None
    seen: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the page tells of an account."""

    account: Account
    plans: Sequence[PricePlan]
    held: Sequence[HeldDelivery]
    invoices: Sequence[Invoice]
    owed_cents: int
    seen: str
    told: Sequence[Moment]

    @property
    def is_installer(self) -> bool:
        return self.account.kind is InvoiceKind.INSTALLER


async def _look(session: AsyncSession, account_id: UUID, console: Console) -> _Seen:
    account = await accounts.find(session, account_id)
    subject = Subject("account", account_id)
    return _Seen(
        account=account,
        plans=await accounts.price_plans(session, account_id),
        held=await accounts.held(session, account_id, MOST_HELD),
        invoices=await accounts.latest_invoices(session, account_id, SHOWN),
        owed_cents=await accounts.owed_cents(session, account_id),
        seen=await seen_of(session, subject),
        told=await moments_of(session, [subject, Subject("installer", account_id)], VERBS, console.wording),
    )


@page_at(PATH + "/{account_id:uuid}", Capability.READ_OPS)
async def show_account(
    account_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        found = await _look(session, account_id, console)
    now = clock.now()
    actions = [_edit(found, house, operator)]
    if found.is_installer:
        actions += hold_actions(found.account, operator, found.seen)
    if found.is_installer:
        today = now.astimezone(console.wording.zone).date().isoformat()
        actions = [
            *plan_actions(account_id, operator, includes_gst=settings.prices_include_gst, held=found.held, today=today),
            *actions,
        ]
    return show_document(console, request, _document(found, actions, house, console, now), done)


def _edit(found: _Seen, house: House, operator: Operator) -> Action:
    account = found.account
    override = account.terms_override_days
    without = account.agreed_terms_days if account.agreed_terms_days is not None else house.terms_days[account.kind]
    return Action(
        EDIT,
        "Change how it is billed",
        f"{PATH}/{account.id}/{EDIT}",
        effect="Terms hold for what is issued from now on: what is issued already stays due when it is due.",
        fields=(
            FormField(
                "terms_override_days",
                "Terms of its own, in days",
                FieldKind.NUMBER,
                value="" if override is None else str(override),
                hint=f"Empty: {without} days, as agreed or as the house has it",
            ),
            FormField(
                "stripe_customer_id",
                "Stripe customer",
                value=account.stripe_customer_id or "",
                hint="As Stripe shows it: cus_…",
            ),
        ),
        hidden={"seen": found.seen},
        done="Changed",
        **refused(operator, MONEY),
    )


def _document(found: _Seen, actions: Sequence[Action], house: House, console: Console, now: datetime) -> Document:
    account = found.account
    return Document(
        title=account.name,
        room=ROOM,
        up=("Accounts", PATH),
        states=[
            chip(words(account.kind)),
            *_hold_chip(account),
            *([chip("Deliveries held", "warning")] if found.held else []),
        ],
        sentence=_sentence(found, house),
        amount=money(found.owed_cents) if found.owed_cents else "",
        amount_note="AUD outstanding",
        notes=[*holds.hold_notes(account), *_notes(found, now)],
        actions=actions,
        sections=_sections(found, house, console, now),
        timeline=in_order(found.told, [Moment(account.created_at, "Waybill", "began to bill it")]),
        links=_links(found, console),
    )


def _hold_chip(account: Account) -> list[Markup]:
    return [chip("On credit hold", "danger")] if account.credit_hold else []


def _sentence(found: _Seen, house: House) -> str:
    days = terms_days(found.account, house)
    told = f"Billed {'by the month' if found.is_installer else 'by the board'}, due {days} days after issue."
    credit = found.account.customer_credit_cents
    told += "" if found.owed_cents else " Nothing is outstanding."
    return told + (f" It has {money(credit)} of credit with us." if credit else "")


def _notes(found: _Seen, now: datetime) -> list[Note]:
    if not found.is_installer:
        return []
    if found.held:
        number = counted(len(found.held), "delivery is", "deliveries are")
        text = "Set prices from the first of their days on: they are priced at once, and their months can close."
        return [Note(f"{number} held without a price", text, "warning")]
    in_force = [plan for plan in found.plans if plan.effective_from <= now]
    if not in_force or in_force[-1].closes:
        return [Note("There is no price for today", "What is delivered now is held until there is one.", "warning")]
    return []


def _links(found: _Seen, console: Console) -> list[tuple[str, str]]:
    if found.is_installer:
        own = console.addresses.url("routing", f"/console/installers/{found.account.id}")
        return [("Deliveries", f"/console/delivery-events?installer_id={found.account.id}"), ("Installer", own)]
    return [("Client", console.addresses.url("intake", f"/console/clients/{found.account.id}"))]


def _sections(found: _Seen, house: House, console: Console, now: datetime) -> list[Section]:
    sections: list[Section] = [Facts("Who is billed", _facts(found.account, house))]
    if found.is_installer:
        sections += [plan_table(found.plans, now), _held_table(found)]
    return [*sections, _invoice_table(found, console, now)]


def _facts(account: Account, house: House) -> list[Fact]:
    return [
        Fact("Billed as", account.billing_name or account.name),
        Fact("ABN", Shown(spaced(account.abn) if account.abn else None)),
        Fact("GST registered", Shown(account.gst_registered, Kind.YES_NO)),
        Fact("Billing e-mail", Shown(account.billing_email)),
        Fact("Billing address", Shown(account.billing_address)),
        Fact("Terms", f"{terms_days(account, house)} days"),
        Fact("Stripe customer", Shown(account.stripe_customer_id, Kind.ID)),
        Fact("On hold since", Shown(account.credit_hold_since, Kind.INSTANT)),
        Fact("Their credit", Shown(account.customer_credit_cents, Kind.MONEY)),
        Fact("Account id", Shown(str(account.id), Kind.ID)),
    ]


def _held_table(found: _Seen) -> Table:
    path = f"/console/held-deliveries?state=waits&installer_id={found.account.id}"
    return Table(
        "Held deliveries",
        (("Lead", Kind.TEXT), ("Product", Kind.WORD), ("No price for", Kind.DAY), ("Held", Kind.AGO)),
        [
            (
                lead_title(each.service, each.locality),
                Shown(each.product_type, Kind.WORD),
                Shown(each.delivered_at, Kind.DAY),
                Shown(each.held_at, Kind.AGO),
            )
            for each in found.held[:SHOWN]
        ],
        empty="None: each of its deliveries has its price.",
        more=("All that are held", path) if len(found.held) > SHOWN else None,
    )


def _invoice_table(found: _Seen, console: Console, now: datetime) -> Table:
    room = "invoices" if found.is_installer else "client-invoices"
    return Table(
        "Invoices",
        (
            ("Invoice", Kind.TEXT),
            ("For", Kind.TEXT),
            ("State", Kind.CHIP),
            ("Due", Kind.DAY),
            ("Total", Kind.MONEY),
            ("Balance", Kind.MONEY),
        ),
        [
            (
                Shown(each.number or "Draft", path=invoice_path(each.kind, each.id)),
                invoice_title(each),
                status_chip(each.status, is_overdue=is_overdue(each.status, each.due_at, now)),
                Shown(each.due_at, Kind.DAY),
                Shown(each.adjusted_total_cents, Kind.MONEY),
                Shown(each.owed_cents, Kind.MONEY),
            )
            for each in found.invoices
        ],
        empty="None yet.",
        more=("All its invoices", f"/console/{room}?account_id={found.account.id}") if found.invoices else None,
    )


@form_at(PATH + "/{account_id:uuid}/" + EDIT, MONEY)
async def edit_by_form(
    account_id: FromPath[UUID],
    data: JSONBody[EditAccountForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = SetAccount(account_id, data.terms_override_days, data.stripe_customer_id)
    with told_beside({"stripe_customer_taken": "stripe_customer_id"}):
        async with database.transaction() as session:
            await refuse_if_changed(session, Subject("account", account_id), data.seen)
            await set_by_operator(session, command, operator, clock.now())
    return console.redirect(f"{PATH}/{account_id}?done={EDIT}")


ROUTES = (show_account, edit_by_form)
