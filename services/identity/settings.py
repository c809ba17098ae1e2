"""The knobs of identity. All its times run on the machine's clock."""

from datetime import timedelta
from typing import Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import ServiceSettings, database_url_field
from services.identity.domain import AttemptLimit


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("identity")

    key_secret: SecretStr = Field(
        min_length=32,
        validation_alias="IDENTITY_KEY_SECRET",
        description="opens the signing keys and one-time-code secrets at rest; at least 32 random characters",
    )

    access_token_seconds: int = Field(600, ge=30, le=3600, validation_alias="ACCESS_TOKEN_SECONDS")
    session_seconds: int = Field(
        12 * 3600, ge=60, validation_alias="SESSION_SECONDS", description="from sign-in to the last token, at the most"
    )
    session_idle_seconds: int = Field(
        2 * 3600, ge=60, validation_alias="SESSION_IDLE_SECONDS", description="how long a refresh token waits"
    )
    enrolment_seconds: int = Field(72 * 3600, ge=60, validation_alias="ENROLMENT_SECONDS")
    totp_issuer: str = Field(
        "Waybill", validation_alias="TOTP_ISSUER", description="what the authenticator app shows beside the e-mail"
    )

    account_attempts: int = Field(
        10, ge=1, validation_alias="SIGN_IN_ACCOUNT_ATTEMPTS", description="failures per account and window"
    )
    address_attempts: int = Field(
        100, ge=1, validation_alias="SIGN_IN_ADDRESS_ATTEMPTS", description="failures per network address and window"
    )
    attempt_window_seconds: int = Field(900, ge=1, validation_alias="SIGN_IN_WINDOW_SECONDS")

    # The floor is OWASP's for argon2id: 19 MiB, two passes, one lane.
    argon2_memory_kib: int = Field(19 * 1024, ge=19 * 1024, validation_alias="ARGON2_MEMORY_KIB")
    argon2_passes: int = Field(2, ge=2, validation_alias="ARGON2_PASSES")
    argon2_lanes: int = Field(1, ge=1, validation_alias="ARGON2_LANES")
    password_threads: int = Field(
        2, ge=1, validation_alias="PASSWORD_THREADS", description="hashes at a time; each needs its memory and a core"
    )

    signing_key_days: int = Field(
        30,
        ge=1,
        validation_alias="SIGNING_KEY_DAYS",
        description="a key that signed for so long is followed by a new one",
    )
    key_publish_ahead_seconds: int = Field(
        900,
        ge=0,
        validation_alias="KEY_PUBLISH_AHEAD_SECONDS",
        description="how long a key is in the JWKS before it signs; longer than verifiers and caches keep the set",
    )
    jwks_max_age_seconds: int = Field(300, ge=0, validation_alias="JWKS_MAX_AGE_SECONDS")
    clock_skew_seconds: int = Field(
        60, ge=0, validation_alias="CLOCK_SKEW_SECONDS", description="how far the machines' clocks may be apart"
    )
    kept_days: int = Field(
        90, ge=1, validation_alias="SESSIONS_KEPT_DAYS", description="how long ended sessions stay for an inquiry"
    )

    @model_validator(mode="after")
    def _a_key_is_known_before_it_signs(self) -> Self:
        if self.key_publish_ahead_seconds < self.jwks_max_age_seconds:
            raise ValueError("KEY_PUBLISH_AHEAD_SECONDS must not be less than JWKS_MAX_AGE_SECONDS")
        return self

    @property
    def account_limit(self) -> AttemptLimit:
        return AttemptLimit(self.account_attempts, self.attempt_window_seconds)

    @property
    def address_limit(self) -> AttemptLimit:
        return AttemptLimit(self.address_attempts, self.attempt_window_seconds)

    @property
    def token_life(self) -> timedelta:
        """How long after its last signature a retired key is needed by verifiers."""
        return timedelta(seconds=self.access_token_seconds + self.clock_skew_seconds)
