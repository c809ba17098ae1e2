"""Tables of identity. Secrets are hashed where they are compared and sealed where they are used; none lies open."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned, named_metadata
from contracts.identity import Role
from services.identity.domain import AttemptKind, OperatorStatus, SessionEnd, is_fresh_step

Instant = DateTime(timezone=True)


class Model(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map = {datetime: Instant, str: Text}


class Operator(Versioned, Model):
    """`totp_last_step` is the last one-time code that was accepted, as its step of 30 seconds since 1970."""

    __tablename__ = "operators"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(Word(Role))
    password_hash: Mapped[str | None]
    password_changed_at: Mapped[datetime | None]
    totp_secret: Mapped[bytes | None]
    totp_enrolled_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("email = lower(email) AND email LIKE '%_@_%'", name="email"),
        CheckConstraint("(password_hash IS NULL) = (password_changed_at IS NULL)", name="password_has_its_instant"),
        CheckConstraint("password_hash LIKE '$argon2id$%'", name="password_is_argon2id"),
        CheckConstraint("(totp_secret IS NULL) = (totp_enrolled_at IS NULL)", name="totp_has_its_instant"),
        Index("ix_operators_created_at", "created_at", "id"),
    )

    @property
    def status(self) -> OperatorStatus:
        if self.disabled_at is not None:
            return OperatorStatus.DISABLED
        is_enrolled = self.password_hash is not None and self.totp_secret is not None
        return OperatorStatus.ACTIVE if is_enrolled else OperatorStatus.INVITED

    def accept_step(self, step: int | None) -> bool:
        """Takes a one-time code's step, once for ever. Call it under the row's lock."""
        if not is_fresh_step(step, self.totp_last_step):
            return False
        self.totp_last_step = step
        return True


class OperatorSession(Model):
    """One sign-in. `mfa_at` is its last second factor; its refresh tokens are in a row of their own each."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    mfa_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_for: Mapped[SessionEnd | None] = mapped_column(Word(SessionEnd))

    __table_args__ = (
        one_of("revoked_for", SessionEnd),
        CheckConstraint("(revoked_at IS NULL) = (revoked_for IS NULL)", name="revoked_has_its_reason"),
        CheckConstraint("expires_at > started_at", name="expires_after_start"),
        Index("ix_sessions_operator_id", "operator_id", "started_at"),
        Index("ix_sessions_expires_at", "expires_at"),
    )

    def is_live(self, at: datetime) -> bool:
        return self.revoked_at is None and at < self.expires_at

    def revoke(self, reason: SessionEnd, at: datetime) -> None:
        self.revoked_at = at
        self.revoked_for = reason


class RefreshToken(Model):
    """Good for one use. A used one stays, so that its second use is seen for what it is."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_refresh_tokens_session_id", "session_id"),
        # Rotation: a session has one token that can be used, never two.
        Index("uq_refresh_tokens_usable", "session_id", unique=True, postgresql_where=text("used_at IS NULL")),
        CheckConstraint("octet_length(token_hash) = 32", name="is_a_hash"),
    )


class Enrolment(Model):
    """A second factor on its way, at most one per operator: the bearer of the token confirms it by a code.

    `password_hash` is the first password of an invited operator; both take effect with the confirmation, and the
    row is gone.
    """

    __tablename__ = "enrolments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"), unique=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    totp_secret: Mapped[bytes | None]
    password_hash: Mapped[str | None]

    __table_args__ = (
        Index("ix_enrolments_expires_at", "expires_at"),
        CheckConstraint("octet_length(token_hash) = 32", name="is_a_hash"),
    )


class AttemptWindow(Model):
    """Failed guesses at one account or from one address. The subject is a keyed hash: no e-mail lies here."""

    __tablename__ = "attempt_windows"

    kind: Mapped[AttemptKind] = mapped_column(Word(AttemptKind), primary_key=True)
    subject: Mapped[bytes] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    attempts: Mapped[int]

    __table_args__ = (
        one_of("kind", AttemptKind),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index("ix_attempt_windows_started_at", "started_at"),
    )


class SigningKey(Model):
    """Published from `created_at`, signs from `signs_from` until the next one does. The private half is sealed."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    private_key: Mapped[bytes]
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("octet_length(public_key) = 32", name="is_ed25519"),
        CheckConstraint("signs_from >= created_at", name="published_first"),
    )
