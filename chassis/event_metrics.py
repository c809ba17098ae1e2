"""What the event path says about itself, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_DEPTH = Gauge("waybill_outbox_depth", "Events waiting in the outbox")
OUTBOX_AGE_SECONDS = Gauge("waybill_outbox_oldest_age_seconds", "Age of the oldest event in the outbox, 0 when empty")
RELAYED = Counter("waybill_relay_published_total", "Events that the broker acknowledged", ["topic"])
RELAY_FAULTS = Counter("waybill_relay_faults_total", "Failed rounds of the relay", ["reason"])
RELAY_ROUND_SECONDS = Histogram("waybill_relay_round_seconds", "From reading the pending set to deleting it")
RELAY_LEADS = Gauge("waybill_relay_leads", "1 where this process holds the shard", ["shard"])

CONSUMER_LAG = Gauge("waybill_consumer_lag", "Records not yet consumed, over the partitions assigned here", ["topic"])
CONSUMER_PARTITIONS = Gauge("waybill_consumer_partitions", "Partitions assigned here", ["topic"])
SEEN = Counter("waybill_consumer_records_total", "Records by what became of them", ["topic", "outcome"])
BATCH_SIZE = Histogram(
    "waybill_consumer_batch_size", "Records of one batch", ["topic"], buckets=(1, 5, 10, 50, 100, 250, 500, 1000)
)
BATCH_SECONDS = Histogram("waybill_consumer_batch_seconds", "From receiving a batch to having settled it", ["topic"])
RETRIES = Counter("waybill_consumer_retries_total", "Tries made again", ["topic", "reason"])
OFFSET_COMMIT_FAULTS = Counter("waybill_consumer_offset_commit_faults_total", "Offset commits that failed", ["topic"])
INBOX_FORGOTTEN = Counter("waybill_inbox_forgotten_total", "Rows of the inbox that were older than is kept")
PARKED = Counter("waybill_parked_total", "Events parked", ["topic", "reason"])
PARKED_WAITING = Gauge("waybill_parked_waiting", "Parked events that wait for an operator")

# Not `job`: that label is the scrape's own, and Prometheus would rename ours.
JOB_RUNS = Counter("waybill_schedule_runs_total", "Runs of scheduled jobs", ["schedule", "outcome"])
JOB_LAST_RUN = Gauge(
    "waybill_schedule_last_run_timestamp_seconds", "Business time of the last finished run", ["schedule"]
)
JOB_NEXT_RUN = Gauge(
    "waybill_schedule_next_run_timestamp_seconds", "Business time of the first run that is not finished", ["schedule"]
)
