"""From the outbox over Kafka to what a consumer did."""

from deploy.dashboards.charts import Board, Chart, Query, Row, largest, mean, quantile, rate, total

OUTBOX = Row(
    "Outbox and relay",
    (
        Chart(
            "Waiting in the outbox",
            "Events that were committed and are not published yet. A burst drains within seconds.",
            "short",
            (Query(largest("waybill_outbox_depth", "service"), "{{service}}"),),
        ),
        Chart(
            "Age of the oldest",
            "How long the first of them has waited. More than a minute is an alert.",
            "s",
            (Query(largest("waybill_outbox_oldest_age_seconds", "service"), "{{service}}"),),
        ),
        Chart(
            "Published",
            "Events that the broker has acknowledged.",
            "cps",
            (Query(rate("waybill_relay_published_total", "service, topic"), "{{service}} {{topic}}"),),
        ),
        Chart(
            "Rounds of the relay",
            "How often it read, published and deleted a portion.",
            "cps",
            (Query(rate("waybill_relay_round_seconds_count", "service"), "{{service}}"),),
        ),
        Chart(
            "Duration of a round",
            "From reading the pending set to having deleted it. It follows the broker's acknowledgement.",
            "s",
            (
                Query(quantile(0.5, "waybill_relay_round_seconds", "service"), "{{service}} half"),
                Query(quantile(0.99, "waybill_relay_round_seconds", "service"), "{{service}} 99 %"),
            ),
        ),
        Chart(
            "Faults of the relay",
            "Failed rounds by cause; each is tried again.",
            "cps",
            (Query(rate("waybill_relay_faults_total", "service, reason"), "{{service}} {{reason}}"),),
            width=4,
        ),
        Chart(
            "Leaders",
            "1 where a process holds the shard; 0 for long is an alert.",
            "short",
            (Query(largest("waybill_relay_leads", "service, shard"), "{{service}} {{shard}}"),),
            width=4,
        ),
    ),
)

CONSUMERS = Row(
    "Consumers",
    (
        Chart(
            "Lag",
            "Records that are not settled yet, over the partitions that are assigned. Workers are scaled by it.",
            "short",
            (Query(total("waybill_consumer_lag", "service, topic"), "{{service}} {{topic}}"),),
        ),
        Chart(
            "Partitions",
            "How many are assigned. A topic without any is read by nobody.",
            "short",
            (Query(total("waybill_consumer_partitions", "service, topic"), "{{service}} {{topic}}"),),
        ),
        Chart(
            "Records by what became of them",
            "Applied, seen before, not ours, or parked. Nothing else can become of a record.",
            "cps",
            (Query(rate("waybill_consumer_records_total", "service, outcome"), "{{service}} {{outcome}}"),),
        ),
        Chart(
            "Size of a batch",
            "Records of one transaction, on average. It grows with the load, which is how the load is carried.",
            "short",
            (Query(mean("waybill_consumer_batch_size", "service, topic"), "{{service}} {{topic}}"),),
        ),
        Chart(
            "Duration of a batch",
            "From receiving it to having settled it: ninety-nine of a hundred are faster.",
            "s",
            (Query(quantile(0.99, "waybill_consumer_batch_seconds", "service, topic"), "{{service}} {{topic}}"),),
        ),
        Chart(
            "Tries made again",
            "`database`: it was away. `handler`: an event failed and was tried again before being parked.",
            "cps",
            (
                Query(
                    rate("waybill_consumer_retries_total", "service, topic, reason"), "{{service}} {{topic}} {{reason}}"
                ),
            ),
            width=4,
        ),
        Chart(
            "Faults of offset commits",
            "Each costs duplicates, which the inbox absorbs.",
            "cps",
            (Query(rate("waybill_consumer_offset_commit_faults_total", "service, topic"), "{{service}} {{topic}}"),),
            width=4,
        ),
        Chart(
            "Forgotten",
            "Rows of the inbox that were older than is kept; positions stand for what they knew.",
            "cps",
            (Query(rate("waybill_inbox_forgotten_total", "service"), "{{service}}"),),
        ),
    ),
)

PARKED = Row(
    "Parked events",
    (
        Chart(
            "Waiting for an operator",
            "They are at /admin/parked-events of the service. Anything but nothing is an alert.",
            "short",
            (Query(largest("waybill_parked_waiting", "service"), "{{service}}"),),
            width=12,
        ),
        Chart(
            "Parked, by reason",
            "`behind_a_parked_event` waits for another of its key.",
            "cps",
            (Query(rate("waybill_parked_total", "service, topic, reason"), "{{service}} {{topic}} {{reason}}"),),
            width=12,
        ),
    ),
)

BOARD = Board("event-path", "Waybill: event path", (OUTBOX, CONSUMERS, PARKED))
