"""Kafka of our own: topics as ordered, restarts and deaths, jars that are what they were."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS, Topic
from deploy.local.kafka import KafkaServer, create_topics
from deploy.local.kafka_jars import COORDINATES, JARS, JarsRefused, ensure_jars, faults_of, read_sums
from deploy.local.kafka_java import KafkaFailed, kept_classes, run
from deploy.local.paths import ROOT

# One worker for all of them: the broker of their own is started once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own-kafka")]


async def produce(bootstrap_servers: str, topic: Topic, *bodies: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        for body in bodies:
            await producer.send_and_wait(topic.name, body, partition=0)


async def records(bootstrap_servers: str, topic: Topic, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    async with consumer:
        partition = TopicPartition(topic.name, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await consumer.getone()).value for _ in range(count)]


class TestKafkaServer:
    async def test_keeps_what_it_acknowledged_over_restart_and_death(self, own_kafka: KafkaServer) -> None:
        topic = Topic("tests.kept", "tests", "id", "", partitions=1)
        create_topics(own_kafka.bootstrap_servers, [topic])
        await produce(own_kafka.bootstrap_servers, topic, b"before")
        own_kafka.restart()
        await produce(own_kafka.bootstrap_servers, topic, b"between")
        own_kafka.restart(immediately=True)
        assert await records(own_kafka.bootstrap_servers, topic, 2) == [b"before", b"between"]

    async def test_makes_no_topic_by_accident(self, own_kafka: KafkaServer) -> None:
        accident = Topic("tests.accident", "tests", "id", "")
        producer = AIOKafkaProducer(bootstrap_servers=own_kafka.bootstrap_servers, request_timeout_ms=1_000)
        async with producer:
            with pytest.raises(KafkaError):
                await producer.send_and_wait(accident.name, b"lost")
        admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.bootstrap_servers)
        await admin.start()
        try:
            assert accident.name not in await admin.list_topics()
        finally:
            await admin.close()


class TestKeptClasses:
    def test_are_taken_by_what_is_started(self, own_kafka: KafkaServer) -> None:
        """A JVM that must have them does not start where they are of another one, or of other jars."""
        must = ("-XX:AOTMode=on", *own_kafka.java_options)
        assert len(must) == 2
        run(own_kafka.java("kafka.tools.StorageTool", "random-uuid", options=must), own_kafka.directory)
        with pytest.raises(KafkaFailed):
            run(own_kafka.java("kafka.Kafka", options=("-XX:AOTMode=on", "-XX:AOTCache=none")), own_kafka.directory)

    def test_are_done_without_where_they_cannot_be_made(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def make(_room: Path, _recording: Sequence[str], _creating: Sequence[str]) -> None:
            raise KafkaFailed("no room for them")

        assert kept_classes(make, tmp_path) == ()
        assert "no room for them" in capsys.readouterr().err
        assert not list(tmp_path.glob("*.aot"))


class TestCreateTopics:
    async def test_makes_the_topics_of_the_contracts_as_they_are_described(self, own_kafka: KafkaServer) -> None:
        for _ in range(2):
            create_topics(own_kafka.bootstrap_servers, TOPICS)
        admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.bootstrap_servers)
        await admin.start()
        try:
            described = await admin.describe_topics([topic.name for topic in TOPICS])
            asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in TOPICS]
            answers = await admin.describe_configs(asked)
        finally:
            await admin.close()
        assert {found["topic"]: len(found["partitions"]) for found in described} == {
            topic.name: topic.partitions for topic in TOPICS
        }
        settings = {
            resource[3]: {entry[0]: entry[1] for entry in resource[4]}
            for answer in answers
            for resource in answer.resources
        }
        for topic in TOPICS:
            assert settings[topic.name]["max.message.bytes"] == "2097152"
            assert settings[topic.name]["cleanup.policy"] == ("compact" if topic.compacted else "delete")


class TestJars:
    def test_are_those_of_the_committed_sums(self) -> None:
        ensure_jars()
        sums = read_sums()
        assert len(sums) == 46
        assert faults_of(JARS, sums) == []
        for coordinate in COORDINATES:
            group, artifact, version = coordinate.removesuffix("!").split(":")
            assert f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar" in sums

    def test_are_told_apart_from_changed_and_missing_ones(self, workroom: Path) -> None:
        copy = workroom / "jars"
        shutil.copytree(JARS, copy)
        changed, missing, *_ = sorted(read_sums())
        with (copy / changed).open("ab") as jar:
            jar.write(b"!")
        (copy / missing).unlink()
        assert faults_of(copy, read_sums()) == [f"{missing} is missing", f"{changed} has other contents"]

    def test_need_no_network_once_they_are_there(self, workroom: Path) -> None:
        ensure_jars()
        done = self.fetch_without_network([])
        assert (done.returncode, done.stderr) == (0, "")
        elsewhere = self.fetch_without_network([str(workroom / "cache" / "jars")])
        assert elsewhere.returncode == 1
        assert JarsRefused.__name__ in elsewhere.stderr

    def fetch_without_network(self, directory: list[str]) -> "subprocess.CompletedProcess[str]":
        """Every request goes to a port on which nothing listens."""
        program = (
            "import sys; from pathlib import Path; from deploy.local.kafka_jars import *; "
            "ensure_jars(*map(Path, sys.argv[1:]))"
        )
        nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
        return subprocess.run(
            [sys.executable, "-c", program, *directory],
            env={**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": ""},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
