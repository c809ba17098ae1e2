"""What finance itself says of an account: terms of its own, and its customer at Stripe."""

from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.console.actions import Action, refused
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Capability
from services.billing.commands.accounts import SetAccount
from services.billing.http.accounts import set_by_operator
from services.billing.http.fields import StripeCustomerId
from services.billing.pages.account_page import AccountPage
from services.billing.pages.accounts import PATH
from services.billing.pages.doors import account_path
from services.billing.pages.faults import told_beside
from services.billing.pages.reasons import IF_GIVEN, Reason

MONEY = Capability.MANAGE_BILLING_OPS
EDIT = "edit"
VERBS = {"set_account": "changed how it is billed"}


class EditAccountForm(Form):
    """What finance knows of it; a field left empty takes back what stood there."""

    terms_override_days: Annotated[int, Field(ge=0, le=365)] | None = None
    stripe_customer_id: StripeCustomerId | None = None
    reason: Reason | None = None
    seen: UUID | None = None


async def edit(page: AccountPage) -> Action:
    account, house = page.account, page.house
    override = account.terms_override_days
    without = account.agreed_terms_days if account.agreed_terms_days is not None else house.terms_days[account.kind]
    return Action(
        EDIT,
        "Change how it is billed",
        f"{page.path}/{EDIT}",
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
            IF_GIVEN,
        ),
        hidden={"seen": page.seen},
        done="Changed",
        **refused(page.operator, MONEY),
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
            await set_by_operator(session, command, data.reason, operator, clock.now())
    return console.redirect(f"{account_path(account_id)}?done={EDIT}")


ROUTES = (edit_by_form,)
