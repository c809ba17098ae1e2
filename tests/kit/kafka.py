"""The run's broker as a test sees it."""

from dataclasses import dataclass
from itertools import count

from contracts.topics import Topic
from deploy.local.kafka import create_topics
from tests.kit.databases import worker

_numbers = count(1)


@dataclass(frozen=True)
class KafkaAddress:
    bootstrap_servers: str

    def create_topics(self, *topics: Topic) -> None:
        create_topics(self.bootstrap_servers, topics)

    def own_topic(self, owner: str = "tests", *, partitions: int = 3, compacted: bool = False) -> Topic:
        """A topic of a name that no other test has, created."""
        name = f"{owner}.{worker()}-{next(_numbers)}"
        topic = Topic(name, owner, "id", "made by a test", compacted=compacted, partitions=partitions)
        self.create_topics(topic)
        return topic
