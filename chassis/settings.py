"""The knobs every service has. A service's own settings.py adds to them; each knob says its unit."""

from enum import StrEnum
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

LAST_PORT = 65_535


class Environment(StrEnum):
    LOCAL = "local"
    STAGING = "staging"
    PRODUCTION = "production"


class Shape(StrEnum):
    """What one process does: `api` scales on requests, `worker` (consumers, relay, schedules) on lag."""

    API = "api"
    WORKER = "worker"
    ALL = "all"

    @property
    def serves_requests(self) -> bool:
        return self is not Shape.WORKER

    @property
    def works(self) -> bool:
        return self is not Shape.API


class ServiceSettings(BaseSettings):
    """Read from the environment, then from files of the same names in `SECRETS_DIR` where that is set."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    environment: Environment = Field(Environment.PRODUCTION, validation_alias="WAYBILL_ENVIRONMENT")
    clock_file: Path | None = Field(
        None, validation_alias="WAYBILL_CLOCK_FILE", description="local mode only: the shared offset of business time"
    )
    business_time_zone: str = Field("Australia/Sydney", validation_alias="BUSINESS_TIME_ZONE")

    http_host: str = Field("127.0.0.1", validation_alias="HTTP_HOST")
    http_port: int = Field(8000, ge=0, le=LAST_PORT, validation_alias="HTTP_PORT")
    forwarded_allow_ips: str | None = Field(
        None, validation_alias="FORWARDED_ALLOW_IPS", description="proxies whose X-Forwarded-For is believed"
    )
    max_body_bytes: int = Field(64 * 1024, validation_alias="MAX_BODY_BYTES")

    database_url: SecretStr = Field(
        description="postgresql://… of the role that serves; each service names its own variable"
    )
    database_pool_size: int = Field(10, validation_alias="DATABASE_POOL_SIZE")
    statement_timeout_seconds: float = Field(30, validation_alias="STATEMENT_TIMEOUT_SECONDS")

    kafka_bootstrap_servers: str = Field("127.0.0.1:9092", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    relay_shards: int = Field(
        1, ge=1, le=64, validation_alias="RELAY_SHARDS", description="equal in every process of a service"
    )
    relay_batch_size: int = Field(
        4_000, ge=1, validation_alias="RELAY_BATCH_SIZE", description="events of one read; twice as many are under way"
    )
    consumer_batch_size: int = Field(
        500, ge=1, validation_alias="CONSUMER_BATCH_SIZE", description="records of one transaction at the most"
    )
    consumer_poll_ms: int = Field(
        500,
        ge=1,
        validation_alias="CONSUMER_POLL_MS",
        description="how long a poll waits where nothing comes; what comes ends it at once",
    )
    session_timeout_ms: int = Field(10_000, validation_alias="KAFKA_SESSION_TIMEOUT_MS")
    consumer_instance: str | None = Field(
        None, validation_alias="KAFKA_GROUP_INSTANCE", description="static membership: a stable name per replica"
    )
    max_event_bytes: int = Field(
        512 * 1024,
        validation_alias="MAX_EVENT_BYTES",
        description="a larger event is refused at the outbox and parked at a consumer",
    )
    handler_attempts: int = Field(
        5, ge=1, validation_alias="HANDLER_ATTEMPTS", description="tries of one failing event before it is parked"
    )
    inbox_retention_days: int = Field(
        30,
        ge=1,
        validation_alias="INBOX_RETENTION_DAYS",
        description="how long a consumer remembers single events; longer than the topics keep them",
    )
    graceful_timeout_seconds: float = Field(
        30, validation_alias="GRACEFUL_TIMEOUT_SECONDS", description="longer than the longest batch"
    )

    identity_jwks_url: str | None = Field(None, validation_alias="IDENTITY_JWKS_URL")
    token_issuer: str = Field("waybill-identity", validation_alias="TOKEN_ISSUER")
    step_up_seconds: int = Field(
        300, validation_alias="STEP_UP_SECONDS", description="how old a second factor may be for a money action"
    )
    console_addresses: dict[str, str] = Field(
        default_factory=dict,
        validation_alias="CONSOLE_ADDRESSES",
        description="JSON of service and URL: where pages are that are not behind the same host",
    )

    log_level: str = Field("INFO", validation_alias="LOG_LEVEL")
    traces_file: Path | None = Field(
        None, validation_alias="TRACES_FILE", description="spans as JSON lines, for a laptop"
    )
    otlp_endpoint: str | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")

    @field_validator("business_time_zone")
    @classmethod
    def _there_is_such_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            told = "must be a time zone of the IANA database, as Australia/Sydney"
            raise PydanticCustomError("time_zone_unknown", told) from None
        return name

    @field_validator("database_url")
    @classmethod
    def _can_be_connected_to(cls, url: SecretStr) -> SecretStr:
        try:
            parsed_database_url(url.get_secret_value())
        except ValueError as wrong:
            raise PydanticCustomError("database_url_invalid", "{told}", {"told": str(wrong)}) from None
        return url

    @model_validator(mode="after")
    def _only_a_laptop_moves_time(self) -> Self:
        if self.clock_file is not None and not self.is_local:
            raise ValueError(
                "WAYBILL_CLOCK_FILE moves business time and is allowed with WAYBILL_ENVIRONMENT=local only"
            )
        return self

    @property
    def is_local(self) -> bool:
        return self.environment is Environment.LOCAL

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.business_time_zone)


def database_url_field(service: str) -> SecretStr:
    """The field of one service's database: `DATABASE_URL_BILLING` and the like, so that six fit in one environment."""
    field: SecretStr = Field(validation_alias=AliasChoices(f"DATABASE_URL_{service.upper()}"))
    return field


def parsed_database_url(url: str) -> URL:
    """Raises ValueError, which does not repeat it: it can hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"postgresql", "postgres"} or (parsed.port or 0) > LAST_PORT:
        raise ValueError("must be the URL of a PostgreSQL database, as postgresql://role@host:5432/database")
    return parsed
