"""Sender accounts, what went through them, and the operators that mail can reach."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.notifications.domain import accounts
from services.notifications.domain.accounts import AccountState, Health, HealthReason
from services.notifications.models.columns import Model


class SenderAccount(Model):
    """`secret_name` names the SMTP URL in the environment or a file; the URL itself is in no table."""

    __tablename__ = "sender_accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    from_address: Mapped[str]
    from_name: Mapped[str]
    secret_name: Mapped[str]
    mail_classes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    daily_cap: Mapped[int]
    weight: Mapped[int] = mapped_column(default=1, server_default="1")
    state: Mapped[AccountState] = mapped_column(Word(AccountState), default=AccountState.ACTIVE)
    state_since: Mapped[datetime]
    reason: Mapped[HealthReason | None] = mapped_column(Word(HealthReason))
    next_change_at: Mapped[datetime | None]
    counted_since: Mapped[datetime]
    faults_in_a_row: Mapped[int] = mapped_column(default=0, server_default="0")
    authentication_failures: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", AccountState),
        CheckConstraint("daily_cap > 0", name="daily_cap"),
        CheckConstraint("weight BETWEEN 1 AND 1000", name="weight"),
        CheckConstraint("cardinality(mail_classes) > 0", name="carries_something"),
    )

    @property
    def health(self) -> Health:
        return Health(
            state=self.state,
            since=self.state_since,
            counted_since=self.counted_since,
            reason=self.reason,
            next_change_at=self.next_change_at,
            faults_in_a_row=self.faults_in_a_row,
            authentication_failures=self.authentication_failures,
        )

    @property
    def available_actions(self) -> list[str]:
        return [action for action in accounts.AccountAction if accounts.obstacle_to(action, self.state) is None]


class KnownOperator(Model):
    """Whom a mail can reach, as identity tells of them; `version` is its last that was applied here."""

    __tablename__ = "operators"

    operator_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool]
    version: Mapped[int]


class SenderCount(Model):
    """What an account did in ten minutes; caps and bounce rates are sums of these."""

    __tablename__ = "sender_counts"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("sender_accounts.id"), primary_key=True)
    bucket_start: Mapped[datetime] = mapped_column(primary_key=True)
    sends: Mapped[int] = mapped_column(default=0, server_default="0")
    refusals: Mapped[int] = mapped_column(default=0, server_default="0")
    faults: Mapped[int] = mapped_column(default=0, server_default="0")
