"""Sender accounts over HTTP. Their SMTP URLs hold passwords: they are named here, and kept elsewhere."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, patch, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.notifications.commands.accounts import (
    AccountProfile,
    add_account,
    change_account,
    resume_account,
    suspend_account,
)
from services.notifications.domain.accounts import AccountState, HealthReason
from services.notifications.domain.messages import MailClass
from services.notifications.errors import SmtpSecretUnknown
from services.notifications.http.fields import Mailbox, Reason, SecretName
from services.notifications.queries.accounts import list_accounts, one_account
from services.notifications.settings import Settings

DailyCap = Annotated[int, Field(ge=1, le=1_000_000, description="mails in a business day; Gmail 500, Workspace 2,000")]
Weight = Annotated[int, Field(ge=1, le=1000, description="its share of the mail, beside the other accounts'")]
MailClasses = Annotated[list[MailClass], Field(min_length=1, max_length=2)]


class SenderAccountRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    from_address: str
    from_name: str
    secret_name: str
    mail_classes: list[MailClass]
    daily_cap: int
    weight: int
    state: AccountState
    state_since: datetime
    reason: HealthReason | None
    next_change_at: datetime | None
    created_at: datetime
    available_actions: list[str]


class NewSenderAccount(Body):
    """`secret_name` names the SMTP URL in the environment or in `SECRETS_DIR`: `SMTP_URL_...`."""

    name: Line
    from_address: Mailbox
    from_name: Line
    secret_name: SecretName
    daily_cap: DailyCap
    mail_classes: MailClasses = [MailClass.TRANSACTIONAL]
    weight: Weight = 1


class SenderAccountChanges(Body):
    """What is left out stays."""

    # The defaults are never read: `given` asks for what was sent. A factory's default is not documented as one.
    name: Line = Field(default_factory=str)
    from_address: Mailbox = Field(default_factory=str)
    from_name: Line = Field(default_factory=str)
    secret_name: SecretName = Field(default_factory=str)
    daily_cap: DailyCap = Field(default_factory=int)
    mail_classes: MailClasses = Field(default_factory=list)
    weight: Weight = Field(default_factory=int)

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class ChangeState(Body):
    reason: Reason


@get("/admin/sender-accounts", guards=[requires(Capability.READ_OPS)])
async def list_sender_accounts(database: Given[Database], page: Given[PageRequest]) -> Page[SenderAccountRow]:
    """Newest first."""
    async with database.reading() as session:
        accounts = await list_accounts(session, page)
    return page.page(accounts, lambda account: (account.created_at, account.id), SenderAccountRow.model_validate)


@post("/admin/sender-accounts", guards=[requires(Capability.MANAGE_ADMIN_ACCESS)])
async def add_sender_account(
    data: JSONBody[NewSenderAccount],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> SenderAccountRow:
    """Add an account to the rotation. It sends as soon as there is something to send."""
    refuse_unknown_secret(settings, data.secret_name)
    profile = AccountProfile(**data.model_dump() | {"mail_classes": frozenset(data.mail_classes)})
    async with database.transaction() as session:
        account = await add_account(session, profile, operator, clock.now())
    return SenderAccountRow.model_validate(account)


@get("/admin/sender-accounts/{account_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_sender_account(account_id: FromPath[UUID], database: Given[Database]) -> SenderAccountRow:
    async with database.reading() as session:
        return SenderAccountRow.model_validate(await one_account(session, account_id))


@patch("/admin/sender-accounts/{account_id:uuid}", guards=[requires(Capability.MANAGE_ADMIN_ACCESS)])
async def edit_sender_account(
    account_id: FromPath[UUID],
    data: JSONBody[SenderAccountChanges],
    database: Given[Database],
    settings: Given[Settings],
    operator: Given[Operator],
) -> SenderAccountRow:
    """Change what is given; the rest stays."""
    changes = data.given()
    if "secret_name" in changes:
        refuse_unknown_secret(settings, data.secret_name)
    async with database.transaction() as session:
        account = await change_account(session, account_id, changes, operator)
    return SenderAccountRow.model_validate(account)


@post(
    "/admin/sender-accounts/{account_id:uuid}/suspend",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS)],
    status_code=200,
)
async def suspend_sender_account(
    account_id: FromPath[UUID],
    data: JSONBody[ChangeState],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> SenderAccountRow:
    """Send nothing more by it until it is resumed. What it has in hand is seen to its end."""
    async with database.transaction() as session:
        account = await suspend_account(session, account_id, operator, data.reason, clock.now())
    return SenderAccountRow.model_validate(account)


@post(
    "/admin/sender-accounts/{account_id:uuid}/resume",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS)],
    status_code=200,
)
async def resume_sender_account(
    account_id: FromPath[UUID],
    data: JSONBody[ChangeState],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> SenderAccountRow:
    """Let an account send again that rests, was suspended or disabled. Its next mail is a probe."""
    async with database.transaction() as session:
        account = await resume_account(session, account_id, operator, data.reason, clock.now())
    return SenderAccountRow.model_validate(account)


def refuse_unknown_secret(settings: Settings, name: str) -> None:
    if settings.smtp_secret(name) is None:
        raise SmtpSecretUnknown("set it in the environment or in SECRETS_DIR", secret_name=name)


ROUTES = (
    list_sender_accounts,
    add_sender_account,
    get_sender_account,
    edit_sender_account,
    suspend_sender_account,
    resume_sender_account,
)
