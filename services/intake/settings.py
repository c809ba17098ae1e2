"""The knobs of intake, by name."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, database_url_field
from services.intake.domain import HIGHEST_RATE_PER_MINUTE
from services.intake.domain.wire import ContactForm


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("intake")

    client_terms_days: int = Field(
        30, ge=0, le=365, validation_alias="CLIENT_TERMS_DAYS", description="days from issue to due of a new client"
    )
    contact_on_the_wire: ContactForm = Field(
        ContactForm.SEALED,
        validation_alias="CONTACT_ON_THE_WIRE",
        description="how the person behind a lead is told; `plain` while a service from before sealing still runs",
    )
    lead_key_cache_seconds: float = Field(
        5,
        ge=0,
        validation_alias="LEAD_KEY_CACHE_SECONDS",
        description="how long a key that was seen working is not looked up again; a lead is never taken on its word",
    )
    lead_key_overlap_hours: float = Field(
        24,
        ge=0,
        validation_alias="LEAD_KEY_OVERLAP_HOURS",
        description="how long a source's old key still works beside the rotated one",
    )
    lead_rate_per_minute: int = Field(
        1_200,
        ge=0,
        le=HIGHEST_RATE_PER_MINUTE,
        validation_alias="LEAD_RATE_PER_MINUTE",
        description="leads that a source without a rate of its own may hand in a minute; 0 is no limit",
    )
    test_requests_days: int = Field(
        30,
        ge=1,
        le=3_650,
        validation_alias="TEST_REQUESTS_DAYS",
        description="how long what sources have tried out is kept",
    )
