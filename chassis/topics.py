"""Creates the topics that are missing: `python -m chassis.topics`, before the first release that speaks of them.

`KAFKA_BOOTSTRAP_SERVERS` says where; `KAFKA_REPLICATION_FACTOR` (1) on how many brokers each topic is kept. What exists
is left as it is.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import TOPICS, Topic

MAX_MESSAGE_BYTES = 2_097_152


class TopicRefused(Exception):
    """The broker would not create a topic; the message is its own."""


async def create_topics(bootstrap_servers: str, topics: Sequence[Topic], replication_factor: int = 1) -> None:
    settings = {topic.name: config_of(topic, replication_factor) for topic in topics}
    wanted = [NewTopic(t.name, t.partitions, replication_factor, None, settings[t.name]) for t in topics]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        await admin.start()
        answer = await admin.create_topics(wanted)
    finally:
        await admin.close()
    for name, code, *message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise TopicRefused(f"topic {name}: {for_code(code).__name__} {message}")


def config_of(topic: Topic, replication_factor: int = 1) -> dict[str, str]:
    """What the relay takes for acknowledged is on all replicas but one at the least: by default it could be on one."""
    config = {
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "min.insync.replicas": str(max(1, replication_factor - 1)),
    }
    if topic.max_compaction_lag_seconds is not None:
        lag_ms = str(topic.max_compaction_lag_seconds * 1000)
        config |= {"max.compaction.lag.ms": lag_ms, "delete.retention.ms": lag_ms}
    return config


def main() -> None:
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    factor = os.environ.get("KAFKA_REPLICATION_FACTOR", "1")
    if not servers or not factor.isdigit() or int(factor) < 1:
        sys.exit("topics: set KAFKA_BOOTSTRAP_SERVERS, and KAFKA_REPLICATION_FACTOR to a whole number of brokers")
    # What goes wrong is said once, by us.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    logging.getLogger("aiokafka").propagate = False
    try:
        asyncio.run(create_topics(servers, TOPICS, int(factor)))
    except (KafkaError, TopicRefused) as fault:
        sys.exit(f"topics: {' '.join(str(fault).split())}")
    print(f"topics: {len(TOPICS)} are there")  # noqa: T201


if __name__ == "__main__":
    main()
