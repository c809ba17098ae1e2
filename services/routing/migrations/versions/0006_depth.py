"""What dispatch in depth stands on: hours, absences, channels, versions, balances, inputs, owners, policies, links.

Each installer gets the version that it stands at and the mail that it has had; each policy its defaults.
"""

from alembic import context, op

from chassis.migrations import revoke_change, statements, written_once

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTALLERS = """
ALTER TABLE installers
    ADD COLUMN channel text NOT NULL DEFAULT 'mail',
    ADD COLUMN hours jsonb,
    ADD COLUMN home_state text,
    ADD COLUMN keeps_public_holidays boolean NOT NULL DEFAULT false,
    ADD COLUMN share_weight integer,
    ADD CONSTRAINT ck_installers_channel CHECK (channel IN ('mail', 'webhook')),
    ADD CONSTRAINT ck_installers_home_state
        CHECK (home_state IN ('ACT', 'NSW', 'NT', 'QLD', 'SA', 'TAS', 'VIC', 'WA')),
    ADD CONSTRAINT ck_installers_hours CHECK (jsonb_typeof(hours) = 'array'),
    ADD CONSTRAINT ck_installers_holidays_have_a_state CHECK (NOT keeps_public_holidays OR home_state IS NOT NULL),
    ADD CONSTRAINT ck_installers_share_weight CHECK (share_weight BETWEEN 1 AND 1000);
ALTER TABLE turns_taken ADD COLUMN balance_ppm bigint NOT NULL DEFAULT 0;
CREATE TABLE installer_versions (
    installer_id uuid NOT NULL,
    version integer NOT NULL,
    profile json NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_installer_versions PRIMARY KEY (installer_id, version),
    CONSTRAINT fk_installer_versions_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id)
);
CREATE TABLE installer_absences (
    id uuid NOT NULL,
    installer_id uuid NOT NULL,
    kind text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_installer_absences PRIMARY KEY (id),
    CONSTRAINT fk_installer_absences_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id),
    CONSTRAINT ck_installer_absences_kind CHECK (kind IN ('pause', 'holiday')),
    CONSTRAINT ck_installer_absences_ends_after_it_starts CHECK (ends_at > starts_at)
);
CREATE INDEX ix_installer_absences_installer_id ON installer_absences (installer_id, starts_at);
CREATE TABLE delivery_endpoints (
    installer_id uuid NOT NULL,
    channel text NOT NULL,
    url text,
    secret_generation integer NOT NULL DEFAULT 1,
    previous_secret_until timestamptz,
    breaker text NOT NULL DEFAULT 'closed',
    failures_in_row integer NOT NULL DEFAULT 0,
    opened_at timestamptz,
    probe_at timestamptz,
    opens integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_delivery_endpoints PRIMARY KEY (installer_id, channel),
    CONSTRAINT fk_delivery_endpoints_installer_id FOREIGN KEY (installer_id) REFERENCES installers (id),
    CONSTRAINT ck_delivery_endpoints_channel CHECK (channel IN ('mail', 'webhook')),
    CONSTRAINT ck_delivery_endpoints_breaker CHECK (breaker IN ('closed', 'open', 'half_open')),
    CONSTRAINT ck_delivery_endpoints_url CHECK ((channel = 'webhook') = (url IS NOT NULL)),
    CONSTRAINT ck_delivery_endpoints_secret_generation CHECK (secret_generation >= 1),
    CONSTRAINT ck_delivery_endpoints_counts CHECK (failures_in_row >= 0 AND opens >= 0),
    CONSTRAINT ck_delivery_endpoints_opened
        CHECK (breaker <> 'open' OR (opened_at IS NOT NULL AND probe_at IS NOT NULL))
);
"""

LEADS = """
ALTER TABLE assignments ADD COLUMN channel text NOT NULL DEFAULT 'mail';
ALTER TABLE assignments
    DROP CONSTRAINT ck_assignments_status,
    DROP CONSTRAINT ck_assignments_sent,
    DROP CONSTRAINT ck_assignments_ended,
    DROP CONSTRAINT ck_assignments_cap_follows_status,
    ADD CONSTRAINT ck_assignments_channel CHECK (channel IN ('mail', 'webhook')) NOT VALID,
    ADD CONSTRAINT ck_assignments_status
        CHECK (status IN ('pending', 'sent', 'failed', 'cancelled', 'returned')) NOT VALID,
    ADD CONSTRAINT ck_assignments_sent CHECK ((status IN ('sent', 'returned')) = (sent_at IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT ck_assignments_ended
        CHECK ((status IN ('failed', 'cancelled', 'returned')) = (ended_at IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT ck_assignments_cap_follows_status CHECK (
        CASE status WHEN 'pending' THEN cap_state = 'reserved' WHEN 'sent' THEN cap_state IN ('counted', 'released')
        WHEN 'returned' THEN cap_state = 'released' ELSE cap_state = 'given_back' END
    ) NOT VALID;
ALTER TABLE assignments
    VALIDATE CONSTRAINT ck_assignments_channel,
    VALIDATE CONSTRAINT ck_assignments_status,
    VALIDATE CONSTRAINT ck_assignments_sent,
    VALIDATE CONSTRAINT ck_assignments_ended,
    VALIDATE CONSTRAINT ck_assignments_cap_follows_status;
CREATE INDEX ix_assignments_pending_webhooks ON assignments (created_at)
    WHERE channel = 'webhook' AND status = 'pending';
ALTER TABLE dispatches
    DROP CONSTRAINT ck_dispatches_delivered,
    ADD CONSTRAINT ck_dispatches_delivered CHECK (status <> 'delivered' OR delivered_at IS NOT NULL) NOT VALID;
ALTER TABLE dispatches VALIDATE CONSTRAINT ck_dispatches_delivered;
ALTER TABLE decisions
    ADD COLUMN inputs json,
    ADD COLUMN candidate_ids uuid[],
    ADD COLUMN outcomes text[],
    ADD COLUMN entitled_ppm integer[],
    DROP CONSTRAINT ck_decisions_trigger,
    ADD CONSTRAINT ck_decisions_trigger
        CHECK (trigger IN ('auto', 'retry', 'by_hand', 'scheduled', 'return', 'reopened')) NOT VALID,
    ADD CONSTRAINT ck_decisions_parallel CHECK (
        num_nulls(candidate_ids, outcomes, entitled_ppm) IN (0, 3)
        AND cardinality(outcomes) = cardinality(candidate_ids)
        AND cardinality(entitled_ppm) = cardinality(candidate_ids)
    ) NOT VALID;
ALTER TABLE decisions
    VALIDATE CONSTRAINT ck_decisions_trigger,
    VALIDATE CONSTRAINT ck_decisions_parallel;
CREATE INDEX ix_decisions_decided_at ON decisions (decided_at);
CREATE TABLE lead_links (
    lead_id uuid NOT NULL,
    other_lead_id uuid NOT NULL,
    kind text NOT NULL,
    linked_at timestamptz NOT NULL,
    CONSTRAINT pk_lead_links PRIMARY KEY (lead_id, other_lead_id, kind),
    CONSTRAINT ck_lead_links_kind CHECK (kind IN ('merged', 'same_person')),
    CONSTRAINT ck_lead_links_two_leads CHECK (lead_id <> other_lead_id)
);
"""

QUEUE = """
ALTER TABLE dispatch_exceptions
    ADD COLUMN owner_id uuid,
    ADD COLUMN owner_name text,
    ADD COLUMN owned_since timestamptz,
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN snoozed_by text,
    ADD COLUMN snooze_note text,
    ADD COLUMN next_retry_at timestamptz,
    ADD COLUMN retries_left smallint NOT NULL DEFAULT 0,
    ADD COLUMN retries_done smallint NOT NULL DEFAULT 0,
    ADD COLUMN escalate_at timestamptz,
    ADD COLUMN escalated_at timestamptz,
    DROP CONSTRAINT ck_dispatch_exceptions_reason,
    DROP CONSTRAINT ck_dispatch_exceptions_resolution,
    ADD CONSTRAINT ck_dispatch_exceptions_reason CHECK (
        reason IN ('auto_dispatch_off', 'no_eligible_installer', 'contact_missing', 'dispatch_failed',
                   'delivery_failed', 'left_unserved', 'delivered_late', 'outside_hours', 'all_at_cap', 'all_away',
                   'no_coverage', 'returned', 'reopened', 'gone_stale')
    ),
    ADD CONSTRAINT ck_dispatch_exceptions_resolution CHECK (
        resolution IN ('assigned', 'retried', 'superseded', 'lead_closed', 'resolved_by_operator', 'rejected')
    ),
    ADD CONSTRAINT ck_dispatch_exceptions_owned CHECK (num_nulls(owner_id, owner_name, owned_since) IN (0, 3)),
    ADD CONSTRAINT ck_dispatch_exceptions_snoozed CHECK ((snoozed_until IS NULL) = (snoozed_by IS NULL)),
    ADD CONSTRAINT ck_dispatch_exceptions_retries CHECK (retries_left >= 0 AND retries_done >= 0);
CREATE INDEX ix_dispatch_exceptions_open_owner_id ON dispatch_exceptions (owner_id, raised_at)
    WHERE resolved_at IS NULL;
CREATE INDEX ix_dispatch_exceptions_open_next_retry_at ON dispatch_exceptions (next_retry_at)
    WHERE resolved_at IS NULL;
CREATE INDEX ix_dispatch_exceptions_open_escalate_at ON dispatch_exceptions (escalate_at)
    WHERE resolved_at IS NULL AND escalated_at IS NULL;
"""

REFERENCE = """
CREATE TABLE installer_accounts (
    installer_id uuid NOT NULL,
    version integer NOT NULL,
    has_prices boolean NOT NULL,
    credit_hold boolean NOT NULL,
    credit_hold_reason text,
    outstanding_cents bigint NOT NULL,
    overdue_cents bigint NOT NULL,
    is_collectable boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT pk_installer_accounts PRIMARY KEY (installer_id)
);
CREATE TABLE operators (
    operator_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    is_active boolean NOT NULL,
    capabilities text[] NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_operators PRIMARY KEY (operator_id)
);
CREATE TABLE known_prices (
    installer_id uuid NOT NULL,
    product_type text NOT NULL,
    unit_price_cents bigint NOT NULL,
    as_of timestamptz NOT NULL,
    CONSTRAINT pk_known_prices PRIMARY KEY (installer_id, product_type),
    CONSTRAINT ck_known_prices_product_type CHECK (product_type IN ('exclusive', 'shared')),
    CONSTRAINT ck_known_prices_unit_price_cents CHECK (unit_price_cents >= 0)
);
CREATE TABLE routing_policies (
    kind text NOT NULL,
    version integer NOT NULL,
    body jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    reason text NOT NULL,
    CONSTRAINT pk_routing_policies PRIMARY KEY (kind, version),
    CONSTRAINT ck_routing_policies_kind CHECK (kind IN ('ordering', 'queue', 'returns')),
    CONSTRAINT ck_routing_policies_version CHECK (version >= 1),
    CONSTRAINT ck_routing_policies_body CHECK (jsonb_typeof(body) = 'object')
);
"""

# An installer stands at the version of its latest change, which the audit has the instant of.
BACKFILL = """
INSERT INTO installer_versions (installer_id, version, profile, changed_at)
SELECT i.id, i.version,
    json_build_object(
        'name', i.name,
        'email', i.email,
        'status', i.status,
        'services', to_json(i.services),
        'time_zone', i.time_zone,
        'limits', json_build_object('day', i.day_limit, 'week', i.week_limit, 'month', i.month_limit),
        'share_weight', i.share_weight,
        'hours', i.hours,
        'home_state', i.home_state,
        'keeps_public_holidays', i.keeps_public_holidays,
        'absences', '[]'::json,
        'channel', i.channel,
        'territory', json_build_object(
            'states', coalesce(
                (SELECT json_agg(state ORDER BY state) FROM territory_states WHERE installer_id = i.id), '[]'
            ),
            'ranges', coalesce(
                (SELECT json_agg(
                    json_build_object(
                        'first', to_char(lower(postcodes), 'fm0000'),
                        'last', to_char(upper(postcodes) - 1, 'fm0000')
                    ) ORDER BY postcodes
                 ) FROM territory_ranges WHERE installer_id = i.id), '[]'
            ),
            'postcodes', coalesce(
                (SELECT json_agg(postcode ORDER BY postcode) FROM territory_postcodes WHERE installer_id = i.id), '[]'
            )
        )
    ),
    coalesce(
        (SELECT max(occurred_at) FROM audit_entries WHERE subject_kind = 'installer' AND subject_id = i.id::text),
        i.created_at
    )
FROM installers i;
INSERT INTO delivery_endpoints (installer_id, channel) SELECT id, 'mail' FROM installers;
"""

POLICIES = """
INSERT INTO routing_policies (kind, version, body, changed_by, changed_at, reason) VALUES
('ordering', 1, '{"most_owed_leads": 3, "backlog_per_hour": 5, "same_person_days": 90}',
    'system', now(), 'As it begins'),
('returns', 1, '{"window_business_days": 5, "quota_percent": 15, "quota_least": 2, "decide_business_days": 5}',
    'system', now(), 'As it begins'),
('queue', 1, '{
    "fallback_owner_id": null,
    "kinds": {
        "auto_dispatch_off":
            {"first_retry_minutes": 30, "factor": 1, "budget": 0, "escalate_minutes": 1440, "unowned_minutes": 480},
        "no_eligible_installer":
            {"first_retry_minutes": 30, "factor": 2, "budget": 6, "escalate_minutes": 60, "unowned_minutes": 30},
        "contact_missing":
            {"first_retry_minutes": 30, "factor": 1, "budget": 0, "escalate_minutes": 60, "unowned_minutes": 30},
        "dispatch_failed":
            {"first_retry_minutes": 1, "factor": 2, "budget": 3, "escalate_minutes": 15, "unowned_minutes": 30},
        "delivery_failed":
            {"first_retry_minutes": 2, "factor": 2, "budget": 3, "escalate_minutes": 15, "unowned_minutes": 30},
        "left_unserved":
            {"first_retry_minutes": 2, "factor": 2, "budget": 3, "escalate_minutes": 15, "unowned_minutes": 30},
        "delivered_late":
            {"first_retry_minutes": 30, "factor": 1, "budget": 0, "escalate_minutes": 60, "unowned_minutes": 30},
        "outside_hours":
            {"first_retry_minutes": 30, "factor": 1, "budget": 20, "escalate_minutes": 1440, "unowned_minutes": 480},
        "all_at_cap":
            {"first_retry_minutes": 30, "factor": 1, "budget": 20, "escalate_minutes": 1440, "unowned_minutes": 480},
        "all_away":
            {"first_retry_minutes": 30, "factor": 1, "budget": 20, "escalate_minutes": 1440, "unowned_minutes": 480},
        "no_coverage":
            {"first_retry_minutes": 30, "factor": 1, "budget": 0, "escalate_minutes": 1440, "unowned_minutes": 480},
        "returned":
            {"first_retry_minutes": 30, "factor": 1, "budget": 0, "escalate_minutes": 60, "unowned_minutes": 30},
        "reopened":
            {"first_retry_minutes": 2, "factor": 2, "budget": 3, "escalate_minutes": 15, "unowned_minutes": 30},
        "gone_stale":
            {"first_retry_minutes": 30, "factor": 1, "budget": 0, "escalate_minutes": 60, "unowned_minutes": 30}
    }
}', 'system', now(), 'As it begins');
"""

WRITTEN_ONCE = ("installer_versions", "routing_policies")


def upgrade() -> None:
    for step in (INSTALLERS, LEADS, QUEUE, REFERENCE, BACKFILL, POLICIES):
        for statement in statements(step):
            op.execute(statement)
    app_role = context.config.attributes.get("app_role")
    for table in WRITTEN_ONCE:
        for statement in (*written_once(table), *revoke_change(table, app_role)):
            op.execute(statement)
