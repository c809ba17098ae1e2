"""The chassis's own tables, in every service's database. Their DDL is frozen in chassis/migrations.py."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", SmallInteger, primary_key=True, autoincrement=False),
    Column("shard", SmallInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # A ring of segments by id, each emptied as a whole: see chassis/pending.py.
    postgresql_partition_by="LIST (segment)",
)

inbox = Table(
    "inbox",
    metadata,
    # UUIDv7 first: rows of one time lie together, and old ones leave together.
    Column("event_id", Uuid, primary_key=True),
    Column("consumer", Text, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
)

consumer_positions = Table(
    "consumer_positions",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("first_version", Integer, nullable=False),
    Column("last_version", Integer, nullable=False),
    # Most rows are written again soon: room beside them keeps the index out of it.
    postgresql_with={"fillfactor": "80"},
)

parked_events = Table(
    "parked_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("record_offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("headers", LargeBinary, nullable=False),
    Column("body", LargeBinary),
    Column("event_id", Uuid),
    Column("event_type", Text),
    Column("state", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_detail", Text, nullable=False),
    Column("aggregate_version", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("parked_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    Column("settled_by", Text),
    Column("settled_reason", Text),
    UniqueConstraint("consumer", "topic", "partition", "record_offset", name="uq_parked_events_record"),
)
Index(
    "ix_parked_events_waiting",
    parked_events.c.consumer,
    parked_events.c.topic,
    parked_events.c.key,
    postgresql_where=parked_events.c.state == "parked",
)
Index("ix_parked_events_parked_at", parked_events.c.parked_at, parked_events.c.id)

schedule_runs = Table(
    "schedule_runs",
    metadata,
    Column("job", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("error", Text),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("list", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("owner_name", Text, nullable=False),
    Column("is_shared", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
Index("uq_saved_views_name", saved_views.c.list, saved_views.c.owner_id, saved_views.c.name, unique=True)

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("list", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("form", JSONB, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    # Of the confirmation: whatever process does a row, it answers that request.
    Column("request_id", Text),
    Column("correlation_id", Text),
)
Index("ix_bulk_jobs_proposed_at", bulk_jobs.c.proposed_at, bulk_jobs.c.id)
Index("ix_bulk_jobs_running", bulk_jobs.c.started_at, postgresql_where=bulk_jobs.c.state == "running")

bulk_rows = Table(
    "bulk_rows",
    metadata,
    Column("job_id", Uuid, ForeignKey("bulk_jobs.id"), primary_key=True),
    Column("row_no", Integer, primary_key=True),
    Column("subject_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("done_at", DateTime(timezone=True)),
)
Index("ix_bulk_rows_state", bulk_rows.c.job_id, bulk_rows.c.state, bulk_rows.c.row_no)
