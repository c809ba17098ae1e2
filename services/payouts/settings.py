"""The knobs of payouts."""

from datetime import time

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, database_url_field


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("payouts")

    stripe_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="STRIPE_API_KEY", description="empty: nothing is sent or taken back"
    )
    stripe_api_base: str | None = Field(None, validation_alias="STRIPE_API_BASE")
    stripe_connect_webhook_secret: SecretStr = Field(
        SecretStr(""), validation_alias="STRIPE_CONNECT_WEBHOOK_SECRET", description="empty: the endpoint is off"
    )
    stripe_webhook_tolerance_seconds: int = Field(300, gt=0, validation_alias="STRIPE_WEBHOOK_TOLERANCE_SECONDS")
    stripe_timeout_seconds: float = Field(20, gt=0, validation_alias="STRIPE_TIMEOUT_SECONDS")

    expert_pool_basis_points: int = Field(
        7_000,
        ge=0,
        le=10_000,
        validation_alias="EXPERT_POOL_BASIS_POINTS",
        description="the part of a board's contracted amount that goes to its experts, unless the board says otherwise",
    )
    sweep_weekday: int = Field(0, ge=0, le=6, validation_alias="PAYOUT_SWEEP_WEEKDAY", description="0 is Monday")
    sweep_time: time = Field(time(9), validation_alias="PAYOUT_SWEEP_TIME", description="in the business time zone")
    approval_hours: int = Field(24, ge=1, validation_alias="PAYOUT_APPROVAL_HOURS")
    attempt_lease_seconds: float = Field(
        90, validation_alias="PAYOUT_ATTEMPT_LEASE_SECONDS", description="longer than a call to Stripe can take"
    )
    gnosis_safe_enabled: bool = Field(False, validation_alias="GNOSIS_SAFE_ENABLED")

    @property
    def stripe_key(self) -> str:
        """Empty where none is set."""
        return self.stripe_api_key.get_secret_value().strip()
