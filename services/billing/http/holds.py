"""Credit hold over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import put
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from contracts.identity import Capability
from services.billing.commands.account_news import TellingRule, wait_for_who_tells
from services.billing.commands.holds import SetCreditHold, set_credit_hold
from services.billing.models import Account
from services.billing.queries import accounts

HoldReason = Annotated[Line, Field(min_length=1, max_length=200)]


class CreditHoldBody(Body):
    """While it is set the installer gets no leads; whoever asks why is told the reason."""

    credit_hold: bool
    reason: HoldReason

    @property
    def command_reason(self) -> str | None:
        return self.reason if self.credit_hold else None


class CreditHoldView(BaseModel):
    account_id: UUID
    credit_hold: bool
    credit_hold_reason: str | None
    credit_hold_since: datetime | None

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(
            account_id=account.id,
            credit_hold=account.credit_hold,
            credit_hold_reason=account.credit_hold_reason,
            credit_hold_since=account.credit_hold_since,
        )


@put("/admin/accounts/{account_id:uuid}/credit-hold", guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def put_credit_hold(
    account_id: FromPath[UUID],
    data: JSONBody[CreditHoldBody],
    database: Given[Database],
    clock: Given[Clock],
    telling: Given[TellingRule],
    operator: Given[Operator],
) -> CreditHoldView:
    """Sets it or lifts it, for a reason; the dispatch of leads hears of it at once."""
    async with database.transaction() as session:
        account = await hold_by_operator(session, account_id, data, telling, operator, clock.now())
    return CreditHoldView.of(account)


async def hold_by_operator(
    session: AsyncSession,
    account_id: UUID,
    data: CreditHoldBody,
    telling: TellingRule,
    operator: Operator,
    now: datetime,
) -> Account:
    await wait_for_who_tells(session)
    was = (await accounts.lock(session, account_id)).credit_hold
    command = SetCreditHold(account_id, data.command_reason)
    account = await set_credit_hold(session, command, telling, now)
    if account.credit_hold is not was:
        await audit.record(
            session,
            actor=operator,
            action=command.action,
            subject=Subject("account", account_id),
            before={"credit_hold": was},
            after={"credit_hold": account.credit_hold},
            reason_text=data.reason,
        )
    return account


ROUTES = (put_credit_hold,)
