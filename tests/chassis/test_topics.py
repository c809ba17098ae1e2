"""Creating the topics of the contracts, as a release does it."""

import os
import subprocess
import sys

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError

from chassis.topics import TopicRefused, config_of, create_topics
from contracts.topics import CLIENTS, LEAD_KEYS, LEADS, TOPICS, Topic
from deploy.local.paths import ROOT, free_port
from tests.kit.kafka import KafkaAddress


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: setting for name, setting in os.environ.items() if not name.startswith("KAFKA_")}
    command = [sys.executable, "-m", "chassis.topics"]
    return subprocess.run(
        command, cwd=ROOT, env={**known, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


async def settings_of(kafka: KafkaAddress, topic: Topic) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    finally:
        await admin.close()
    ((_error, _message, _type, _name, entries),) = answer.resources
    return {entry[0]: entry[1] for entry in entries}


class TestTheCommand:
    async def test_creates_what_is_missing_and_may_be_run_again(self, kafka: KafkaAddress) -> None:
        for _ in range(2):
            done = run(KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers)
            assert (done.returncode, done.stdout) == (0, f"topics: {len(TOPICS)} are there\n"), done.stderr
        for topic in (CLIENTS, LEAD_KEYS):
            assert (await settings_of(kafka, topic)).items() >= config_of(topic).items()

    @pytest.mark.parametrize("factor", ["", "0", "three"])
    def test_says_in_one_line_what_is_not_set(self, factor: str) -> None:
        done = run(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9", KAFKA_REPLICATION_FACTOR=factor)
        assert done.returncode != 0
        assert "KAFKA_REPLICATION_FACTOR" in done.stderr
        assert done.stderr.count("\n") == 1

    def test_says_in_one_line_that_no_broker_answers(self) -> None:
        done = run(KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
        assert done.returncode != 0
        assert done.stderr.count("\n") == 1


class TestCreateTopics:
    async def test_on_more_brokers_than_there_are_is_refused(self, kafka: KafkaAddress) -> None:
        topic = Topic("tests.on-three-brokers", "tests", "id", "")
        with pytest.raises(TopicRefused, match=InvalidReplicationFactorError.__name__):
            await create_topics(kafka.bootstrap_servers, [topic], replication_factor=3)

    @pytest.mark.parametrize(("brokers", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
    def test_an_acknowledgement_survives_the_loss_of_a_broker(self, brokers: int, in_sync: str) -> None:
        assert config_of(LEADS, brokers)["min.insync.replicas"] == in_sync

    def test_what_was_said_before_is_soon_gone_where_the_topic_asks_for_it(self) -> None:
        assert (
            config_of(LEAD_KEYS).items()
            >= {"max.compaction.lag.ms": "3600000", "delete.retention.ms": "3600000"}.items()
        )
        assert "max.compaction.lag.ms" not in config_of(CLIENTS)
