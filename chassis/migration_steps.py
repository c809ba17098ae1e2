"""The SQL of each step that the chassis has grown by, as it landed: a step is never edited, another one follows."""

STEP_1 = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    shard smallint NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE TABLE inbox (
    event_id uuid NOT NULL,
    consumer text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, consumer)
);
CREATE TABLE parked_events (
    id uuid NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    headers bytea NOT NULL,
    body bytea,
    event_id uuid,
    event_type text,
    state text NOT NULL,
    reason_code text NOT NULL,
    reason_detail text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    parked_at timestamptz NOT NULL,
    settled_at timestamptz,
    settled_by text,
    settled_reason text,
    PRIMARY KEY (id),
    CONSTRAINT uq_parked_events_record UNIQUE (consumer, topic, partition, record_offset)
);
CREATE INDEX ix_parked_events_waiting ON parked_events (consumer, topic, key) WHERE state = 'parked';
CREATE TABLE schedule_runs (
    job text NOT NULL,
    due_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    error text,
    PRIMARY KEY (job, due_at)
);
CREATE TABLE audit_entries (
    id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    before jsonb,
    after jsonb,
    reason_code text,
    reason_text text,
    request_id text,
    PRIMARY KEY (id)
);
CREATE INDEX ix_audit_entries_subject ON audit_entries (subject_kind, subject_id, occurred_at);
CREATE INDEX ix_audit_entries_occurred_at ON audit_entries (occurred_at, id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_entries_are_written_once BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

STEP_2 = """
ALTER TABLE outbox RENAME TO outbox_before;
ALTER TABLE outbox_before RENAME CONSTRAINT outbox_pkey TO outbox_before_pkey;
CREATE SEQUENCE outbox_ids AS bigint;
SELECT setval('outbox_ids', nextval(pg_get_serial_sequence('outbox_before', 'id')));
CREATE FUNCTION outbox_segment(id bigint) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (id / 16384 % 8)::smallint
$$;
CREATE TABLE outbox (
    id bigint NOT NULL,
    segment smallint NOT NULL,
    shard smallint NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, segment)
) PARTITION BY LIST (segment);
CREATE TABLE outbox_0 PARTITION OF outbox FOR VALUES IN (0);
CREATE TABLE outbox_1 PARTITION OF outbox FOR VALUES IN (1);
CREATE TABLE outbox_2 PARTITION OF outbox FOR VALUES IN (2);
CREATE TABLE outbox_3 PARTITION OF outbox FOR VALUES IN (3);
CREATE TABLE outbox_4 PARTITION OF outbox FOR VALUES IN (4);
CREATE TABLE outbox_5 PARTITION OF outbox FOR VALUES IN (5);
CREATE TABLE outbox_6 PARTITION OF outbox FOR VALUES IN (6);
CREATE TABLE outbox_7 PARTITION OF outbox FOR VALUES IN (7);
CREATE TABLE outbox_returned PARTITION OF outbox FOR VALUES IN (8);
INSERT INTO outbox SELECT id, outbox_segment(id), shard, event_id, topic, key, headers, body, created_at
    FROM outbox_before;
DROP TABLE outbox_before;
CREATE FUNCTION reclaim_outbox_segment(segment int) RETURNS boolean LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    name text := 'public.outbox_' || segment;
    is_empty boolean;
BEGIN
    IF pg_relation_size(name::regclass) = 0 THEN
        RETURN true;
    END IF;
    EXECUTE 'LOCK TABLE ' || name || ' IN ACCESS EXCLUSIVE MODE NOWAIT';
    EXECUTE 'SELECT NOT EXISTS (SELECT FROM ' || name || ')' INTO is_empty;
    IF is_empty THEN
        EXECUTE 'TRUNCATE ' || name;
    END IF;
    RETURN is_empty;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;
CREATE TABLE consumer_positions (
    consumer text NOT NULL,
    key bytea NOT NULL,
    first_version integer NOT NULL,
    last_version integer NOT NULL,
    PRIMARY KEY (key, consumer)
) WITH (fillfactor = 80);
ALTER TABLE parked_events ADD COLUMN aggregate_version integer;
"""

STEP_3 = """
CREATE TABLE saved_views (
    id uuid NOT NULL,
    list text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    owner_id uuid NOT NULL,
    owner_name text NOT NULL,
    is_shared boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_saved_views_name ON saved_views (list, owner_id, name);
CREATE TABLE bulk_jobs (
    id uuid NOT NULL,
    list text NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    form jsonb NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    proposed_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (id)
);
CREATE INDEX ix_bulk_jobs_running ON bulk_jobs (started_at) WHERE state = 'running';
CREATE TABLE bulk_rows (
    job_id uuid NOT NULL REFERENCES bulk_jobs (id),
    row_no integer NOT NULL,
    subject_id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    detail text NOT NULL,
    done_at timestamptz,
    PRIMARY KEY (job_id, row_no)
);
CREATE INDEX ix_bulk_rows_state ON bulk_rows (job_id, state, row_no);
CREATE INDEX ix_audit_entries_actor ON audit_entries (actor_id, occurred_at, id);
CREATE INDEX ix_parked_events_parked_at ON parked_events (parked_at, id);
"""

# The one way in which an audit row may change: texts that hold a literal are replaced by one sentence; names of fields
# are ours and stay. The patterns stand in a setting of the transaction while the function runs, so that the trigger can
# tell by itself what the function makes of a row. A literal of two letters would stand in half of all words.
STEP_4 = r"""
CREATE FUNCTION literal_patterns(literals text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg('%' || replace(replace(replace(
        lower(literal COLLATE pg_c_utf8), '\', '\\'), '%', '\%'), '_', '\_') || '%'), '{}')
    FROM unnest(literals) AS literal WHERE length(btrim(literal)) >= 3
$$;
CREATE FUNCTION holds_pattern(told text, patterns text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(told COLLATE pg_c_utf8) LIKE ANY (patterns)
$$;
CREATE FUNCTION redacted(value jsonb, patterns text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    CASE jsonb_typeof(value)
        WHEN 'string' THEN
            RETURN CASE WHEN public.holds_pattern(value #>> '{}', patterns) THEN '"Erased on request"' ELSE value END;
        WHEN 'array' THEN
            RETURN (SELECT coalesce(jsonb_agg(public.redacted(element, patterns) ORDER BY place), '[]')
                FROM jsonb_array_elements(value) WITH ORDINALITY AS elements (element, place));
        WHEN 'object' THEN
            RETURN (SELECT coalesce(jsonb_object_agg(name, public.redacted(field, patterns)), '{}')
                FROM jsonb_each(value) AS fields (name, field));
        ELSE RETURN value;
    END CASE;
END $$;
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    patterns text[];
BEGIN
    IF TG_OP = 'UPDATE' AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        patterns := nullif(current_setting('waybill.redacting', true), '');
    END IF;
    IF patterns IS NOT NULL
        AND to_jsonb(NEW) - '{reason_text,before,after}'::text[] = to_jsonb(OLD) - '{reason_text,before,after}'::text[]
        AND (NEW.reason_text IS NOT DISTINCT FROM OLD.reason_text
            OR (OLD.reason_text IS NOT NULL AND NEW.reason_text = 'Erased on request'))
        AND NEW.before IS NOT DISTINCT FROM public.redacted(OLD.before, patterns)
        AND NEW.after IS NOT DISTINCT FROM public.redacted(OLD.after, patterns)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is not allowed: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER audit_entries_are_written_once ON audit_entries;
CREATE TRIGGER audit_entries_are_written_once BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE FUNCTION redact_audit(kinds text[], ids text[], literals text[]) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    patterns text[] := public.literal_patterns(literals);
    quoted text[] := public.literal_patterns(ARRAY(
        SELECT substr(written, 2, length(written) - 2)
        FROM (SELECT to_jsonb(literal)::text FROM unnest(literals) AS literal) AS told (written)
    ));
    changed bigint;
BEGIN
    PERFORM set_config('waybill.redacting', patterns::text, true);
    WITH theirs AS (
        SELECT DISTINCT subject_kind, subject_id FROM unnest(kinds, ids) AS subjects (subject_kind, subject_id)
    ), made AS (
        SELECT entry.id,
            CASE WHEN entry.reason_text IS NULL THEN NULL
                WHEN theirs.subject_id IS NOT NULL OR public.holds_pattern(entry.reason_text, patterns)
                THEN 'Erased on request' ELSE entry.reason_text END AS reason_text,
            public.redacted(entry.before, patterns) AS before,
            public.redacted(entry.after, patterns) AS after
        FROM public.audit_entries entry LEFT JOIN theirs USING (subject_kind, subject_id)
        WHERE theirs.subject_id IS NOT NULL
            OR public.holds_pattern(entry.reason_text, patterns)
            OR public.holds_pattern(entry.before::text, quoted)
            OR public.holds_pattern(entry.after::text, quoted)
    )
    UPDATE public.audit_entries entry
    SET reason_text = made.reason_text, before = made.before, after = made.after
    FROM made WHERE made.id = entry.id
        AND (made.reason_text, made.before, made.after) IS DISTINCT FROM (entry.reason_text, entry.before, entry.after);
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM set_config('waybill.redacting', '', true);
    RETURN changed;
END $$;
REVOKE ALL ON FUNCTION redact_audit(text[], text[], text[]) FROM PUBLIC;
"""

STEP_5 = """
ALTER TABLE bulk_jobs ADD COLUMN request_id text, ADD COLUMN correlation_id text;
CREATE INDEX ix_bulk_jobs_proposed_at ON bulk_jobs (proposed_at, id);
"""
