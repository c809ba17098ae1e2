"""The knobs of notifications."""

import os
from pathlib import Path

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, database_url_field

DEFAULT_SECRET = "SMTP_URL"  # noqa: S105  # the name of a secret, not one
_LAPTOP_KEY = "a laptop's tickets are signed by a key that everyone knows"


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("notifications")

    smtp_url: SecretStr = Field(
        SecretStr("smtp://127.0.0.1:1025"),
        validation_alias="SMTP_URL",
        description="smtp://user:password@host:port or smtps://…; ?starttls=required|never, ?auth=xoauth2",
    )
    mail_from_address: str = Field("no-reply@waybill.example", validation_alias="MAIL_FROM_ADDRESS")
    mail_from_name: str = Field("Waybill", validation_alias="MAIL_FROM_NAME")
    mail_domain: str = Field(
        "waybill.example", validation_alias="MAIL_DOMAIN", description="the right side of every Message-ID"
    )
    support_address: str = Field("support@waybill.example", validation_alias="SUPPORT_ADDRESS")
    ops_alert_address: str = Field("ops@waybill.example", validation_alias="OPS_ALERT_ADDRESS")
    payment_instructions: str | None = Field(
        None,
        validation_alias="PAYMENT_INSTRUCTIONS",
        description="how to pay an invoice that has no payment page, as a sentence; else the attached document says it",
    )
    default_daily_cap: int = Field(
        50_000, ge=1, validation_alias="SMTP_DAILY_CAP", description="of the default account"
    )

    smtp_connections: int = Field(
        8, ge=1, validation_alias="SMTP_CONNECTIONS", description="open at once to one account's server"
    )
    smtp_timeout_seconds: float = Field(
        60, gt=0, validation_alias="SMTP_TIMEOUT_SECONDS", description="of one message, connecting included"
    )
    send_portion: int = Field(
        64, ge=1, validation_alias="SEND_PORTION", description="messages that one process has in hand at once"
    )
    send_lease_seconds: float = Field(
        30,
        gt=1,
        validation_alias="SEND_LEASE_SECONDS",
        description="machine time after which what a dead process had in hand is taken up again; the living renew it",
    )
    alert_interval_seconds: float = Field(
        5,
        ge=0,
        validation_alias="ALERT_INTERVAL_SECONDS",
        description="at least between two alert mails of a kind; what comes meanwhile is gathered into the second",
    )
    suppression_days: int = Field(30, ge=1, validation_alias="SUPPRESSION_DAYS")
    content_retention_days: int = Field(
        90,
        ge=1,
        validation_alias="MESSAGE_CONTENT_RETENTION_DAYS",
        description="after which a settled message's address, name and content are erased",
    )
    ticket_token_secret: SecretStr | None = Field(None, validation_alias="TICKET_TOKEN_SECRET")
    secrets_dir: Path | None = Field(None, validation_alias="SECRETS_DIR")

    @property
    def ticket_key(self) -> bytes | None:
        """None outside local mode where no secret is set: then no reply can be signed."""
        if self.ticket_token_secret is not None:
            return self.ticket_token_secret.get_secret_value().encode()
        return _LAPTOP_KEY.encode() if self.is_local else None

    def smtp_secret(self, name: str) -> str | None:
        """The SMTP URL under this name: `SMTP_URL` itself, else the environment, else a file of `SECRETS_DIR`.

        Looked up at each connection, so that a rotated secret needs no restart.
        """
        if name == DEFAULT_SECRET:
            return self.smtp_url.get_secret_value()
        if not name.startswith(f"{DEFAULT_SECRET}_") or not name.replace("_", "").isalnum():
            return None
        if name in os.environ:
            return os.environ[name]
        file = self.secrets_dir / name if self.secrets_dir else None
        return file.read_text().strip() if file and file.is_file() else None
