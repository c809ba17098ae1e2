"""The knobs of billing."""

from datetime import time

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, database_url_field
from contracts.values import InvoiceKind
from services.billing.domain.tax_invoice import Party


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("billing")

    seller_name: str = Field("", validation_alias="SELLER_NAME", description="as registered; missing blocks issue")
    seller_abn: str = Field("", validation_alias="SELLER_ABN", description="eleven digits; missing blocks issue")
    seller_address: str = Field("", validation_alias="SELLER_ADDRESS", description="missing blocks issue")
    seller_email: str = Field("", validation_alias="SELLER_EMAIL", description="for questions; printed where set")
    seller_payment_details: str = Field(
        "", validation_alias="SELLER_PAYMENT_DETAILS", description="how to pay, printed where set; lines by newline"
    )
    legal_entity: str = Field(
        "waybill", validation_alias="LEGAL_ENTITY", description="whose number series the invoices are of"
    )
    invoice_number_prefix: str = Field("WB", validation_alias="INVOICE_NUMBER_PREFIX", pattern=r"^[A-Z][A-Z0-9-]{0,9}$")

    prices_include_gst: bool = Field(
        False, validation_alias="PRICES_INCLUDE_GST", description="of the price plans that are added from now on"
    )

    installer_terms_days: int = Field(7, ge=0, le=365, validation_alias="INSTALLER_TERMS_DAYS")
    client_terms_days: int = Field(30, ge=0, le=365, validation_alias="CLIENT_TERMS_DAYS")

    approval_limit_cents: int = Field(
        20_000,
        ge=0,
        validation_alias="CREDIT_APPROVAL_LIMIT_CENTS",
        description="a credit, a write-off or a void of an issued invoice over it (with GST) needs a second operator",
    )

    key_secret: SecretStr | None = Field(
        None,
        min_length=32,
        validation_alias="BILLING_KEY_SECRET",
        description="the key that signs certificates of the books is derived from it; without it they are unsigned",
    )

    account_news_seconds: float = Field(
        30,
        gt=0,
        validation_alias="ACCOUNT_NEWS_SECONDS",
        description="how often what stands with accounts is compared with what was told of them",
    )

    books_check_seconds: float = Field(
        900,
        gt=0,
        validation_alias="BOOKS_CHECK_SECONDS",
        description="how often a worker sums the journal to see that the books tie",
    )

    books_watch_seconds: float = Field(
        30,
        gt=0,
        validation_alias="BOOKS_WATCH_SECONDS",
        description="how often a worker looks whether something keeps the books from being closed",
    )

    certificate_time: time = Field(
        time(5),
        validation_alias="CERTIFICATE_TIME",
        description="when the books are certified every night, in the business time zone: after STRIPE_COMPARE_TIME",
    )

    stripe_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="STRIPE_API_KEY", description="empty: references are typed in and not looked up"
    )
    stripe_api_base: str | None = Field(None, validation_alias="STRIPE_API_BASE")
    stripe_timeout_seconds: float = Field(20, gt=0, validation_alias="STRIPE_TIMEOUT_SECONDS")
    stripe_sweep_time: time = Field(
        time(3), validation_alias="STRIPE_SWEEP_TIME", description="nightly question about what is owed"
    )
    stripe_compare_time: time = Field(
        time(4),
        validation_alias="STRIPE_COMPARE_TIME",
        description="nightly comparison of the books with Stripe, once the sweep is done",
    )
    stripe_webhook_secret: SecretStr = Field(
        SecretStr(""), validation_alias="STRIPE_WEBHOOK_SECRET", description="empty: the endpoint is off"
    )
    stripe_webhook_tolerance_seconds: int = Field(300, gt=0, validation_alias="STRIPE_WEBHOOK_TOLERANCE_SECONDS")

    @property
    def seller(self) -> Party:
        return Party(
            self.seller_name.strip(),
            self.seller_abn.strip() or None,
            self.seller_address.strip() or None,
            self.seller_email.strip() or None,
        )

    @property
    def looks_up_stripe(self) -> bool:
        return bool(self.stripe_api_key.get_secret_value())

    def terms_days(self, kind: InvoiceKind) -> int:
        """Days from issue to due, where neither the account nor its owner says otherwise."""
        return self.installer_terms_days if kind is InvoiceKind.INSTALLER else self.client_terms_days
