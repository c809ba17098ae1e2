"""Accounts, price plans, the delivery ledger and its queue."""

from alembic import op

from chassis.migrations import statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE accounts (
    id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    abn text,
    gst_registered boolean,
    billing_name text NOT NULL,
    billing_email text NOT NULL,
    billing_address text,
    agreed_terms_days bigint,
    terms_override_days bigint,
    stripe_customer_id text,
    source_version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT ck_accounts_kind CHECK (kind IN ('installer', 'client')),
    CONSTRAINT ck_accounts_terms_override_days CHECK (terms_override_days BETWEEN 0 AND 365),
    CONSTRAINT uq_accounts_stripe_customer_id UNIQUE (stripe_customer_id)
);
CREATE INDEX ix_accounts_created_at ON accounts (created_at, id);

CREATE TABLE price_plans (
    installer_id uuid NOT NULL,
    effective_from timestamptz NOT NULL,
    id uuid NOT NULL,
    exclusive_price_cents bigint,
    shared_price_cents bigint,
    currency text NOT NULL,
    gst_treatment text NOT NULL,
    includes_gst boolean NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_price_plans PRIMARY KEY (installer_id, effective_from),
    CONSTRAINT ck_price_plans_gst_treatment CHECK (gst_treatment IN ('taxable', 'gst_free')),
    CONSTRAINT ck_price_plans_currency CHECK (currency = 'AUD'),
    CONSTRAINT ck_price_plans_both_prices_or_neither CHECK (
        (exclusive_price_cents IS NULL) = (shared_price_cents IS NULL)
    ),
    CONSTRAINT ck_price_plans_prices CHECK (exclusive_price_cents >= 0 AND shared_price_cents >= 0),
    CONSTRAINT fk_price_plans_installer_id FOREIGN KEY (installer_id) REFERENCES accounts (id),
    CONSTRAINT uq_price_plans_id UNIQUE (id)
);

CREATE TABLE delivery_events (
    id uuid NOT NULL,
    assignment_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    product_type text NOT NULL,
    service text NOT NULL,
    locality text NOT NULL,
    delivered_at timestamptz NOT NULL,
    unit_price_cents bigint NOT NULL,
    currency text NOT NULL,
    gst_treatment text NOT NULL,
    includes_gst boolean NOT NULL,
    price_plan_id uuid NOT NULL,
    event_status text NOT NULL,
    credit_reason_code text,
    cap_status text NOT NULL,
    cap_release_reason text,
    recorded_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_delivery_events PRIMARY KEY (id),
    CONSTRAINT ck_delivery_events_product_type CHECK (product_type IN ('exclusive', 'shared')),
    CONSTRAINT ck_delivery_events_gst_treatment CHECK (gst_treatment IN ('taxable', 'gst_free')),
    CONSTRAINT ck_delivery_events_event_status CHECK (event_status IN ('billable', 'credited', 'void')),
    CONSTRAINT ck_delivery_events_cap_status CHECK (cap_status IN ('counted', 'released')),
    CONSTRAINT ck_delivery_events_currency CHECK (currency = 'AUD'),
    CONSTRAINT ck_delivery_events_unit_price_cents CHECK (unit_price_cents >= 0),
    CONSTRAINT ck_delivery_events_credit_has_a_reason CHECK (
        (event_status = 'credited') = (credit_reason_code IS NOT NULL)
    ),
    CONSTRAINT ck_delivery_events_release_has_a_reason CHECK (
        (cap_status = 'released') = (cap_release_reason IS NOT NULL)
    ),
    CONSTRAINT uq_delivery_events_assignment_id UNIQUE (assignment_id),
    CONSTRAINT fk_delivery_events_price_plan_id FOREIGN KEY (price_plan_id) REFERENCES price_plans (id)
);
CREATE INDEX ix_delivery_events_delivered_at ON delivery_events (delivered_at, id);
CREATE INDEX ix_delivery_events_installer ON delivery_events (installer_id, delivered_at);
CREATE INDEX ix_delivery_events_lead_id ON delivery_events (lead_id);
CREATE INDEX ix_delivery_events_status ON delivery_events (event_status, delivered_at);

CREATE TABLE held_deliveries (
    assignment_id uuid NOT NULL,
    lead_id uuid NOT NULL,
    installer_id uuid NOT NULL,
    product_type text NOT NULL,
    service text NOT NULL,
    locality text NOT NULL,
    delivered_at timestamptz NOT NULL,
    reason_code text NOT NULL,
    cap_status text NOT NULL,
    cap_release_reason text,
    held_at timestamptz NOT NULL,
    released_at timestamptz,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_held_deliveries PRIMARY KEY (assignment_id),
    CONSTRAINT ck_held_deliveries_product_type CHECK (product_type IN ('exclusive', 'shared')),
    CONSTRAINT ck_held_deliveries_cap_status CHECK (cap_status IN ('counted', 'released')),
    CONSTRAINT ck_held_deliveries_release_has_a_reason CHECK (
        (cap_status = 'released') = (cap_release_reason IS NOT NULL)
    )
);
CREATE INDEX ix_held_deliveries_queue ON held_deliveries (delivered_at, assignment_id)
    WHERE released_at IS NULL;
CREATE INDEX ix_held_deliveries_waiting ON held_deliveries (installer_id, delivered_at)
    WHERE released_at IS NULL;
"""


def upgrade() -> None:
    for statement in statements(TABLES):
        op.execute(statement)
